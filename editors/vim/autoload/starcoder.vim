vim9script
# Ghost text from starcoder-lsp: switches it on, and does what commands and keys ask for.

import autoload 'starcoder/client.vim'
import autoload 'starcoder/documents.vim'
import autoload 'starcoder/ghost.vim'
import autoload 'starcoder/inline.vim'
import autoload 'starcoder/keys.vim' as key_maps
import autoload 'starcoder/message.vim'
import autoload 'starcoder/options.vim' as option_set
import autoload 'starcoder/question.vim'
import autoload 'starcoder/status.vim'
import autoload 'starcoder/suggestion.vim'

# How long the cursor has to rest before the server is notified.
const REST_MS = 200
const SNOOZE_MINUTES = 30
const BLOCK = "\<C-v>"

# Actions whose keys are mapped at all times.
const ALWAYS = ['trigger', 'more']

# Empty before Setup().
var options: dict<any> = {}
var is_enabled = true
# Vim repeats on the other lines of a block what is typed in the first.
var is_in_block = false
var rest_timer = 0

# Returns why there are no suggestions in a buffer, '' if there are.
def WhyNot(buffer: number): string
  if empty(options)
    return 'g:starcoder is wrong, see :messages'
  elseif !is_enabled
    return 'disabled, see :Starcoder enable'
  endif
  return documents.WhyNot(buffer, options.filetypes)
enddef

# Returns whether Vim repeats what is typed now, here or later: keys must mean the same then.
def IsRepeated(): bool
  return is_in_block || reg_recording() != '' || reg_executing() != ''
enddef

def IsWanted(): bool
  return !IsRepeated() && WhyNot(bufnr()) == ''
enddef

# Returns the root of a buffer's project, '' if it has none.
def RootOf(buffer: number): string
  const folder = fnamemodify(bufname(buffer), ':p:h')
  for marker in options.root_markers
    # `;` searches the folders above, too.
    const file = findfile(marker, fnameescape(folder) .. ';')
    const found = file != '' ? file : finddir(marker, fnameescape(folder) .. ';')
    if found != ''
      return substitute(fnamemodify(found, ':p'), '[\/]*' .. escape(marker, '.') .. '[\/]*$', '', '')
    endif
  endfor
  return ''
enddef

# Opens a buffer on the server; starts the server if necessary.
def Attach(buffer: number)
  if !bufloaded(buffer) || WhyNot(buffer) != '' || client.state == 'failed'
    if documents.IsOpen(buffer) && is_enabled
      documents.Close(buffer)
    endif
    return
  endif
  const root = RootOf(buffer)
  if client.state == 'ready'
    client.AddRoot(root)
    documents.Open(buffer)
  else
    client.Start(options, root == '' ? [] : [root])
  endif
enddef

# Buffers to attach when Vim waits for a key.
var entered: list<number> = []

# Attaches a buffer when the commands that run now have ended: only then a terminal has its
# 'buftype', and a plugin has made a buffer what it is to be.
def AttachSoon(buffer: number)
  if empty(entered)
    timer_start(0, (_) => AttachEntered())
  endif
  add(entered, buffer)
enddef

def AttachEntered()
  const buffers = uniq(sort(entered, 'n'))
  entered = []
  for buffer in buffers
    Attach(buffer)
  endfor
enddef

# Opens the buffers that are on the screen; others follow when they are entered.
def AttachAll()
  for buffer in tabpagebuflist()->copy()->sort('n')->uniq()
    Attach(buffer)
  endfor
enddef

def Suggest()
  if !IsWanted()
    inline.Clear()
    return
  endif
  if !inline.Show() && options.auto
    inline.RequestAutomatically()
  endif
enddef

def OnTextChanged()
  inline.NoteText()
  Suggest()
enddef

def OnCursorMoved()
  if !inline.HasNewText()
    Suggest()
  endif
enddef

def OnInsertEnter()
  inline.NoteText()
  Attach(bufnr())
  # Vim is not in insert mode yet.
  timer_start(0, (_) => Suggest())
enddef

def OnLeave()
  inline.Clear()
enddef

# Undo brings lines back with the ghost text that they had.
def OnNormalChange()
  if documents.IsOpen(bufnr())
    ghost.ClearLines(line('w0'), line('w$'))
  endif
enddef

def NotifyRest()
  const buffer = bufnr()
  if WhyNot(buffer) != '' || !documents.IsOpen(buffer)
    return
  endif
  documents.Flush(buffer)
  if client.Understands('cursor')
    client.Notify('starcoder/cursorMoved', inline.PositionParams(suggestion.Place()))
  endif
enddef

# Notifies the server of the cursor once it rests; requests do so while typing.
def NotifyWhenTheCursorRests()
  timer_stop(rest_timer)
  rest_timer = timer_start(REST_MS, (_) => NotifyRest())
enddef

def OnModeChanged()
  if v:event.old_mode == BLOCK && v:event.new_mode =~ '^[in]'
    is_in_block = v:event.new_mode == 'i'
  endif
enddef

def OnInsertLeave()
  is_in_block = false
  inline.Clear()
enddef

def OnServerReady()
  AttachAll()
  status.Announce()
  Suggest()
  NotifyWhenTheCursorRests()
enddef

def OnServerEnd()
  inline.Clear()
  documents.Forget()
  status.Forget()
enddef

def OnStatus(params: dict<any>)
  # Requests that came while the model was loading got an empty answer.
  if status.Store(params)
    inline.ForgetRequest()
    Suggest()
  endif
enddef

def OnSuggestionReady(params: dict<any>)
  if inline.IsAt(params)
    inline.ForgetRequest()
    Suggest()
  endif
enddef

def ShowMessage(params: dict<any>)
  const highlight = get(['', 'ErrorMsg', 'WarningMsg'], get(params, 'type', 3), 'None')
  message.Show(params.message, highlight)
enddef

const HANDLERS: dict<func> = {
  'didChangeStatus': OnStatus,
  'starcoder/suggestionReady': OnSuggestionReady,
  'window/showMessage': ShowMessage,
  'window/logMessage': (_) => 0,
  'window/showMessageRequest': question.Ask,
  'client/registerCapability': (_, id) => client.Reply(id, null),
  'window/workDoneProgress/create': (_, id) => client.Reply(id, null),
}

def ListenToEvents()
  augroup starcoder
    autocmd!
    autocmd BufEnter,FileType,BufFilePost,BufWritePost * AttachSoon(expand('<abuf>')->str2nr())
    autocmd OptionSet buftype,modifiable,binary AttachSoon(bufnr())
    autocmd BufWritePost * documents.Save(expand('<abuf>')->str2nr())
    autocmd BufUnload * documents.Close(expand('<abuf>')->str2nr())
    autocmd InsertEnter * OnInsertEnter()
    autocmd InsertLeave * OnInsertLeave()
    autocmd TextChangedI,TextChangedP * OnTextChanged()
    autocmd TextChanged * OnNormalChange()
    autocmd CursorMovedI * OnCursorMoved()
    autocmd CursorMoved,BufEnter,TextChanged * NotifyWhenTheCursorRests()
    autocmd BufLeave,WinLeave * OnLeave()
    autocmd ModeChanged * OnModeChanged()
    autocmd ColorScheme * ghost.DefineHighlights()
    autocmd VimLeavePre * client.Stop()
  augroup END
enddef

def KeysOf(action: string): list<string>
  const wanted = options.keys[action]
  const as_list: list<string> = type(wanted) == v:t_list ? wanted : [wanted]
  return as_list->copy()->filter((_, key) => key != '')
enddef

def DefineKeys()
  final wanted: dict<list<string>> = {}
  for action in keys(options.keys)
    if index(ALWAYS, action) < 0
      wanted[action] = KeysOf(action)
      continue
    endif
    for key in KeysOf(action)
      execute $'inoremap {key} <Cmd>Starcoder {action}<CR>'
    endfor
  endfor
  key_maps.Define(wanted, {
    accept: () => Accept(),
    accept_word: () => AcceptWord(),
    accept_line: () => AcceptLine(),
    next: () => Next(),
    previous: () => Previous(),
    dismiss: () => Dismiss(),
  })
enddef

# Attaches the server to all present and future buffers, with the options in g:starcoder.
export def Setup()
  try
    options = option_set.Resolve(get(g:, 'starcoder', {}))
  catch /^starcoder:/
    message.Show(v:exception, 'ErrorMsg')
    return
  endtry
  client.Listen(HANDLERS, OnServerReady, OnServerEnd)
  ghost.DefineHighlights()
  DefineKeys()
  ListenToEvents()
  AttachAll()
enddef

# Accepts the whole suggestion; returns whether there was one.
export def Accept(): bool
  return inline.Accept('all')
enddef

# Accepts the suggestion up to the end of its next word.
export def AcceptWord(): bool
  return inline.Accept('word')
enddef

# Accepts the suggestion up to the end of its line.
export def AcceptLine(): bool
  return inline.Accept('line')
enddef

export def Next(): bool
  return inline.Select(1)
enddef

export def Previous(): bool
  return inline.Select(-1)
enddef

# Hides the suggestion until the next change.
export def Dismiss(): bool
  return inline.Dismiss()
enddef

# Requests suggestions now. Needs insert mode.
export def Trigger(): bool
  return IsWanted() && inline.RequestExplicitly()
enddef

# Requests a longer suggestion. Needs insert mode.
export def More(): bool
  return IsWanted() && inline.RequestMore()
enddef

def AskServer(command: string, arguments: list<any>, OnResult: func = (_) => 0)
  if client.state != 'ready'
    message.Show($'starcoder: {NoServer()}, see :Starcoder status')
    return
  endif
  client.Execute({command: command, arguments: arguments}, OnResult)
enddef

def ShowPage(name: string, text: any)
  if type(text) == v:t_string
    message.ShowPage(name, text)
  endif
enddef

# Shows how the last suggestion was made, or why there was none.
export def Explain()
  AskServer('starcoder.explain', [], (text) => ShowPage('explain', text))
enddef

# Shows how many suggestions were shown and accepted on this machine.
export def Statistics()
  AskServer('starcoder.statistics', [], (text) => ShowPage('statistics', text))
enddef

# Suggests nothing for so many minutes, except on request; 0 ends it.
export def Snooze(minutes: string)
  inline.Clear()
  AskServer('starcoder.snooze', [minutes == '' ? SNOOZE_MINUTES : str2float(minutes)])
enddef

export def Enable()
  is_enabled = true
  AttachAll()
  Suggest()
  status.Announce()
enddef

# Stops requesting suggestions. The server keeps running, so that `Enable` works at once.
export def Disable()
  is_enabled = false
  inline.Clear()
  status.Announce()
enddef

export def Toggle()
  if is_enabled
    Disable()
  else
    Enable()
  endif
enddef

# Loads the model again, or starts the server again after a failure.
export def Restart()
  client.Forgive()
  if client.state == 'ready'
    AskServer('starcoder.restart', [])
  else
    AttachAll()
  endif
enddef

# Returns a short text for a statusline, '' if the buffer is not attached.
export def Status(): string
  if client.state == 'failed'
    return 'starcoder: ⚠ server not running'
  elseif !is_enabled
    return 'starcoder: disabled'
  elseif !documents.IsOpen(bufnr())
    return ''
  endif
  return 'starcoder: ' .. (WhyNot(bufnr()) == '' ? status.Describe() : 'disabled')
enddef

# Shows the status, why there are no suggestions in this buffer, and the last message.
export def ShowStatus()
  const why = WhyNot(bufnr())
  const text = Status()
  final lines = [text != '' ? text : $'starcoder: not attached: {why != "" ? why : NoServer()}']
  if text != '' && why != ''
    add(lines, why)
  endif
  if message.last != ''
    add(lines, $'last message: {message.last}')
  endif
  echo lines->join("\n")
enddef

def NoServer(): string
  return $'the server is {client.state}'
enddef
