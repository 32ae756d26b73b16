vim9script
# The documents on the server: which buffers they are, and how their changes get there.

import autoload 'starcoder/client.vim'

# The server suggests nothing in longer documents.
const MAX_BYTES = 10000000
# Names of files on other hosts, as netrw calls them. Names with other schemes are not files.
const REMOTE_FILE = '^\%(scp\|sftp\|ssh\)://'
const INCREMENTAL = 2

# A document for each number of a buffer:
#   uri, language, version
#   tick      the buffer's changedtick that the server knows
#   n_lines   how many lines the server knows
#   head      how many lines at the start have not changed since
#   tail      how many lines at the end have not changed since
#   n_added   how many lines were added since, less those deleted
#   listener  the id of listener_add()
var documents: dict<dict<any>> = {}

# Buffers with NUL bytes.
var binary: dict<bool> = {}

# Returns why a buffer's text is not sent to the server, '' if it is.
export def WhyNot(buffer: number, filetypes: list<string>): string
  const buftype = getbufvar(buffer, '&buftype')
  const name = bufname(buffer)
  const language = getbufvar(buffer, '&filetype')
  if buftype != ''
    return $"'buftype' is {buftype}"
  elseif !getbufvar(buffer, '&modifiable')
    return "'modifiable' is off"
  elseif getbufvar(buffer, '&binary') || has_key(binary, buffer)
    return 'the file is binary'
  elseif name =~ '^\a\+://' && name !~ REMOTE_FILE
    return 'the buffer is no file'
  elseif !getbufvar(buffer, 'starcoder_enabled', true)
    return 'b:starcoder_enabled is off'
  elseif !empty(filetypes) && index(filetypes, language) < 0
    return $"g:starcoder.filetypes does not contain \"{language}\""
  elseif IsLong(buffer)
    return $'the file is larger than {MAX_BYTES / 1000000} MB'
  endif
  return ''
enddef

def IsLong(buffer: number): bool
  if buffer == bufnr()
    return line2byte('$') > MAX_BYTES
  endif
  return getfsize(fnamemodify(bufname(buffer), ':p')) > MAX_BYTES
enddef

def UriOf(buffer: number): string
  const name = bufname(buffer)
  if name == ''
    return $'untitled:Untitled-{buffer}'
  elseif name =~ REMOTE_FILE
    return name
  endif
  return client.UriOf(fnamemodify(name, ':p'))
enddef

# Vim has a line break where a line has a NUL byte; only binary files have them.
def TextOf(lines: list<string>): string
  return empty(lines) ? '' : join(lines, "\n") .. "\n"
enddef

export def IsOpen(buffer: number): bool
  return has_key(documents, buffer)
enddef

# Returns the parameter that names a document.
export def Identifier(buffer: number): dict<any>
  return {uri: documents[buffer].uri}
enddef

# Returns the buffer of a document, 0 if there is none.
export def BufferOf(uri: string): number
  for [buffer, document] in items(documents)
    if document.uri ==# uri
      return str2nr(buffer)
    endif
  endfor
  return 0
enddef

# Opens a buffer on the server, or opens it again under another name or as another language.
export def Open(buffer: number)
  const uri = UriOf(buffer)
  const filetype = getbufvar(buffer, '&filetype')
  const language = filetype == '' ? 'plaintext' : filetype
  if IsOpen(buffer)
    if documents[buffer].uri ==# uri && documents[buffer].language ==# language
      return
    endif
    Close(buffer)
  endif
  const lines = getbufline(buffer, 1, '$')
  if match(lines, "\n") >= 0
    binary[buffer] = true
    return
  endif
  final document = {uri: uri, language: language, version: 0, listener: 0}
  documents[buffer] = document
  document.listener = listener_add(Record, buffer)
  Remember(buffer, len(lines))
  client.Notify('textDocument/didOpen', {textDocument: {
    uri: uri,
    languageId: language,
    version: 0,
    text: TextOf(lines),
  }})
enddef

# Notes that the server knows the buffer's present text.
def Remember(buffer: number, n_lines: number)
  final document = documents[buffer]
  document.tick = getbufvar(buffer, 'changedtick')
  document.n_lines = n_lines
  document.head = n_lines
  document.tail = n_lines
  document.n_added = 0
enddef

# Notes which lines have changed: changes are in order, and the first line below each is
# numbered as before it.
def Record(buffer: number, _: number, _: number, _: number, changes: list<dict<number>>)
  if !IsOpen(buffer)
    return
  endif
  final document = documents[buffer]
  var n_lines = NumberOfLines(buffer)
  for change in reverse(copy(changes))
    document.head = min([document.head, change.lnum - 1])
    document.tail = min([document.tail, n_lines - (change.end - 1 + change.added)])
    n_lines -= change.added
    document.n_added += change.added
  endfor
enddef

def NumberOfLines(buffer: number): number
  return buffer == bufnr() ? line('$') : getbufinfo(buffer)[0].linecount
enddef

# Returns the lines that have changed as one change; of the whole text if that is not known.
def ChangeOf(buffer: number, document: dict<any>): dict<any>
  const n_lines = NumberOfLines(buffer)
  const sync = get(client.capabilities, 'textDocumentSync', 0)
  const kind = type(sync) == v:t_dict ? get(sync, 'change', 0) : sync
  const head = document.head
  const tail = max([document.tail, 0])
  # A buffer without lines has one, which Vim does not count as added.
  const is_known = document.n_lines + document.n_added == n_lines
    && head <= min([document.n_lines, n_lines]) - tail
  if kind != INCREMENTAL || !is_known
    return {text: TextOf(getbufline(buffer, 1, '$'))}
  endif
  const lines = head < n_lines - tail ? getbufline(buffer, head + 1, n_lines - tail) : []
  return {
    range: {
      start: {line: head, character: 0},
      end: {line: document.n_lines - tail, character: 0},
    },
    text: TextOf(lines),
  }
enddef

# Sends what has changed since the last call.
export def Flush(buffer: number)
  if !IsOpen(buffer)
    return
  endif
  listener_flush(buffer)
  final document = documents[buffer]
  if getbufvar(buffer, 'changedtick') == document.tick
    return
  endif
  const change = ChangeOf(buffer, document)
  document.version += 1
  Remember(buffer, NumberOfLines(buffer))
  client.Notify('textDocument/didChange', {
    textDocument: {uri: document.uri, version: document.version},
    contentChanges: [change],
  })
enddef

export def Save(buffer: number)
  if IsOpen(buffer)
    Flush(buffer)
    client.Notify('textDocument/didSave', {
      textDocument: Identifier(buffer),
      text: TextOf(getbufline(buffer, 1, '$')),
    })
  endif
enddef

export def Close(buffer: number)
  if has_key(binary, buffer)
    remove(binary, buffer)
  endif
  if !IsOpen(buffer)
    return
  endif
  const document = remove(documents, buffer)
  listener_remove(document.listener)
  client.Notify('textDocument/didClose', {textDocument: {uri: document.uri}})
enddef

# Forgets all documents, when the server has ended.
export def Forget()
  for document in values(documents)
    listener_remove(document.listener)
  endfor
  documents = {}
enddef
