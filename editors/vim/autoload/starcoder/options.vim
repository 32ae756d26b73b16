vim9script
# The options of g:starcoder: their defaults, and the messages for wrong ones.
# The server decides what to suggest and when, see `init_options`.

export const DEFAULTS: dict<any> = {
  cmd: ['starcoder-lsp', '--stdio'],
  filetypes: [],
  root_markers: ['.starcoder.toml', '.git'],
  init_options: {},
  keys: {
    accept: '<Tab>',
    accept_word: '<C-Right>',
    accept_line: '<C-l>',
    next: '<M-]>',
    previous: '<M-[>',
    dismiss: '<C-]>',
    trigger: '<M-Bslash>',
    more: '<M-CR>',
  },
  auto: true,
}

def IsListOfStrings(value: any): bool
  return type(value) == v:t_list
    && value->copy()->filter((_, element) => type(element) != v:t_string)->empty()
enddef

def IsCommand(value: any): bool
  return IsListOfStrings(value) && !empty(value)
enddef

def IsDict(value: any): bool
  return type(value) == v:t_dict
enddef

def IsSwitch(value: any): bool
  return type(value) == v:t_bool || (type(value) == v:t_number && value >= 0 && value <= 1)
enddef

# A key, several keys for one action, or nothing.
def IsKey(value: any): bool
  return type(value) == v:t_string || IsListOfStrings(value)
enddef

const EXPECTED: dict<list<any>> = {
  cmd: [IsCommand, 'a list of strings that is not empty'],
  filetypes: [IsListOfStrings, 'a list of strings'],
  root_markers: [IsListOfStrings, 'a list of strings'],
  init_options: [IsDict, 'a dictionary'],
  keys: [IsDict, 'a dictionary'],
  auto: [IsSwitch, 'v:true or v:false'],
}

# Returns what is wrong with the options, '' if nothing is.
def Problem(given: dict<any>): string
  for [name, value] in items(given)
    if !has_key(EXPECTED, name)
      return $'g:starcoder has no option "{name}"'
    endif
    const IsRight: func(any): bool = EXPECTED[name][0]
    if !IsRight(value)
      return $'g:starcoder.{name} must be {EXPECTED[name][1]}'
    endif
  endfor
  for [name, value] in items(get(given, 'keys', {}))
    if !has_key(DEFAULTS.keys, name)
      return $'g:starcoder.keys has no action "{name}"'
    elseif !IsKey(value)
      return $'g:starcoder.keys.{name} must be a key such as "{DEFAULTS.keys[name]}", or ""'
    endif
  endfor
  return ''
enddef

# Returns `given` with defaults for what is missing; throws what is wrong with it.
export def Resolve(given: any): dict<any>
  if type(given) != v:t_dict
    throw 'starcoder: g:starcoder must be a dictionary'
  endif
  const problem = Problem(given)
  if problem != ''
    throw $'starcoder: {problem}'
  endif
  final options = extend(deepcopy(DEFAULTS), given)
  options.keys = extend(copy(DEFAULTS.keys), get(given, 'keys', {}))
  return options
enddef
