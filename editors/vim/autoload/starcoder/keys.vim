vim9script
# Keys that are mapped only while ghost text is shown.
# At other times every key does what it did before.

const PRESS = '<Cmd>call starcoder#keys#Press("%s", %d)<CR>'

# The keys of each action, and what an action does; it returns whether it could.
var keys_of: dict<list<string>> = {}
var actions: dict<func(): bool> = {}

# The buffer with our mappings, 0 if there is none.
var mapped_in = 0
# The buffer-local mappings that ours hide, by their keys.
var hidden: dict<dict<any>> = {}

export def Define(wanted: dict<list<string>>, to_do: dict<func(): bool>)
  Unmap()
  keys_of = wanted
  actions = to_do
enddef

# Does what a key of ours is for; without ghost text the key does what it did before.
export def Press(action: string, index: number)
  const Action = actions[action]
  if !Action()
    Unmap()
    feedkeys(Codes(keys_of[action][index]), 'mi')
  endif
enddef

# Returns the codes of a key in Vim's notation: `<Tab>`, `<lt>`.
export def Codes(key: string): string
  return eval('"' .. escape(substitute(key, '<', '\\<', 'g'), '"') .. '"')
enddef

def Map(action: string, index: number)
  const key = keys_of[action][index]
  const existing = maparg(key, 'i', false, true)
  if get(existing, 'buffer', 0) == 1
    hidden[key] = existing
  endif
  execute 'inoremap <buffer> <nowait>' key printf(PRESS, action, index)
enddef

def UnmapOne(key: string)
  const existing = maparg(key, 'i', false, true)
  if get(existing, 'buffer', 0) != 1 || get(existing, 'rhs', '') !~ '^<Cmd>call starcoder#keys#Press('
    return
  endif
  execute 'iunmap <buffer>' key
  if has_key(hidden, key)
    mapset('i', false, hidden[key])
  endif
enddef

# Maps the keys in the current buffer.
export def MapAll()
  if mapped_in == bufnr()
    return
  endif
  Unmap()
  mapped_in = bufnr()
  for [action, keys] in items(keys_of)
    for index in range(len(keys))
      Map(action, index)
    endfor
  endfor
enddef

export def Unmap()
  if mapped_in == bufnr()
    for keys in values(keys_of)
      for key in keys
        UnmapOne(key)
      endfor
    endfor
  endif
  mapped_in = 0
  hidden = {}
enddef
