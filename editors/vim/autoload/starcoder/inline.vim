vim9script
# The life cycle of a suggestion: request, show, type through, accept, drop.

import autoload 'starcoder/client.vim'
import autoload 'starcoder/columns.vim'
import autoload 'starcoder/documents.vim'
import autoload 'starcoder/ghost.vim'
import autoload 'starcoder/keys.vim'
import autoload 'starcoder/suggestion.vim' as suggestions

export const INVOKED = 1
export const AUTOMATIC = 2

const METHOD = 'textDocument/inlineCompletion'
# Like METHOD, but for a longer suggestion; an extension of starcoder-lsp.
const MORE_METHOD = 'starcoder/more'

# The answer that is shown: buffer, suggestions, index, and n_announced, the index of the
# item that was last reported as shown. Empty if there is none.
var answer: dict<any> = {}
# The number of the request in progress, 0 if there is none.
var in_progress = 0
# The place of the last automatic request; several events may report one change.
var requested_at: dict<any> = {}
var newest_request = 0
# The oldest request whose answer is still of use.
var oldest_welcome = 0
var tick_seen = -1

def IsInserting(): bool
  return mode() == 'i'
enddef

# Returns the encoding of columns in messages.
export def Encoding(): string
  return get(client.capabilities, 'positionEncoding', 'utf-16')
enddef

export def PositionParams(place: dict<any>): dict<any>
  const before = strpart(place.line, 0, place.column)
  return {
    textDocument: documents.Identifier(place.buffer),
    position: {line: place.row - 1, character: columns.CountUnits(before, Encoding())},
  }
enddef

def CancelRequest()
  if in_progress > 0
    client.Cancel(in_progress)
    in_progress = 0
  endif
enddef

def Hide()
  keys.Unmap()
  ghost.Clear()
  answer = {}
enddef

# Returns the shown suggestion and its rest at a place; an empty rest means there is none.
def Current(place: dict<any>): list<any>
  if empty(answer) || answer.buffer != place.buffer
    return [{}, '']
  endif
  const suggestion = answer.suggestions[answer.index]
  return [suggestion, suggestions.Rest(suggestion, place)]
enddef

def Report(method: string, params: dict<any>)
  if client.Understands('events')
    client.Notify(method, params)
  endif
enddef

def AnnounceShown(suggestion: dict<any>)
  if answer.n_announced != answer.index
    answer.n_announced = answer.index
    Report('textDocument/didShowCompletion', {item: suggestion.item})
  endif
enddef

# Shows the rest of the current suggestion, or hides it if nothing is left.
export def Show(): bool
  const place = suggestions.Place()
  const [suggestion, rest] = Current(place)
  if rest == ''
    Hide()
    return false
  endif
  ghost.Draw(place, rest, suggestion.replaced)
  keys.MapAll()
  AnnounceShown(suggestion)
  return true
enddef

# Returns the index of the suggestion to show first, preferably one that is not shown yet;
# -1 if none fits.
def FirstIndex(pinned: list<dict<any>>, shown_rest: string, place: dict<any>): number
  var fitting = -1
  for index in range(len(pinned))
    const rest = suggestions.Rest(pinned[index], place)
    if rest != '' && rest !=# shown_rest
      return index
    elseif rest != '' && fitting < 0
      fitting = index
    endif
  endfor
  return fitting
enddef

def Receive(items: list<any>, asked_at: dict<any>)
  if empty(items)
    Hide()
    return
  endif
  const pinned: list<dict<any>> =
    mapnew(items, (_, item) => suggestions.Pin(item, asked_at, Encoding()))
  const place = suggestions.Place()
  const index = FirstIndex(pinned, Current(place)[1], place)
  if index >= 0
    answer = {buffer: asked_at.buffer, suggestions: pinned, index: index, n_announced: -1}
    Show()
  endif
enddef

def ItemsOf(result: any): any
  return type(result) == v:t_dict ? get(result, 'items', null) : result
enddef

def OnAnswer(number: number, asked_at: dict<any>, result: any)
  if number == newest_request
    in_progress = 0
  endif
  const items = ItemsOf(result)
  if number < oldest_welcome || !IsInserting() || bufnr() != asked_at.buffer
      || type(items) != v:t_list
    return
  endif
  oldest_welcome = number
  Receive(items, asked_at)
enddef

def Request(trigger_kind: number, place: dict<any>, method: string): bool
  if !documents.IsOpen(place.buffer)
    return false
  endif
  CancelRequest()
  documents.Flush(place.buffer)
  newest_request += 1
  const number = newest_request
  const params = extend(PositionParams(place), {
    context: {triggerKind: trigger_kind},
    formattingOptions: {tabSize: shiftwidth(), insertSpaces: &expandtab},
  })
  in_progress = client.Request(method, params, (result) => OnAnswer(number, place, result))
  return in_progress > 0
enddef

# Requests suggestions after a change.
export def RequestAutomatically()
  const place = suggestions.Place()
  if IsInserting() && place != requested_at && Request(AUTOMATIC, place, METHOD)
    requested_at = place
  endif
enddef

# Allows another automatic request at the place of the last one.
export def ForgetRequest()
  requested_at = {}
enddef

# Requests suggestions on behalf of the user.
export def RequestExplicitly(): bool
  return IsInserting() && Request(INVOKED, suggestions.Place(), METHOD)
enddef

# Requests a longer suggestion than usual.
export def RequestMore(): bool
  const method = client.Understands('more') ? MORE_METHOD : METHOD
  return IsInserting() && Request(INVOKED, suggestions.Place(), method)
enddef

# Returns whether the server's position is the cursor of the current window.
export def IsAt(params: dict<any>): bool
  const place = suggestions.Place()
  if !IsInserting() || !documents.IsOpen(place.buffer)
    return false
  endif
  const here = PositionParams(place)
  return get(get(params, 'textDocument', {}), 'uri', '') ==# here.textDocument.uri
    && get(params, 'position', {}) == here.position
enddef

# Cancels, hides and forgets everything.
export def Clear()
  CancelRequest()
  Hide()
  oldest_welcome = newest_request + 1
  requested_at = {}
enddef

# Records that the current text was handled.
export def NoteText()
  tick_seen = b:changedtick
enddef

# Returns true between a change and its TextChangedI event, which follows CursorMovedI.
export def HasNewText(): bool
  return tick_seen != b:changedtick
enddef

# Hides the suggestion until the next change.
export def Dismiss(): bool
  const place = suggestions.Place()
  const [suggestion, rest] = Current(place)
  if rest != ''
    Report('starcoder/didRejectCompletion', {item: suggestion.item})
  endif
  Clear()
  requested_at = place
  return rest != ''
enddef

# Shows another suggestion of the answer; requests more if there is only one.
export def Select(step: number): bool
  const place = suggestions.Place()
  if Current(place)[1] == ''
    return false
  endif
  const n = len(answer.suggestions)
  if n == 1
    RequestExplicitly()
    return true
  endif
  answer.index = (answer.index + step + n) % n
  while suggestions.Rest(answer.suggestions[answer.index], place) == ''
    answer.index = (answer.index + step + n) % n
  endwhile
  return Show()
enddef

# Accepts the shown suggestion, or a part of it: 'all', 'line' or 'word'.
export def Accept(part: string): bool
  if Current(suggestions.Place())[1] == ''
    return false
  endif
  # Typed keys, unlike a direct change, work in <expr> mappings and close the completion
  # popup; CTRL-G u makes the insertion one undo step.
  const keys_typed = $"\<C-g>u\<Cmd>call starcoder#inline#Insert('{part}')\<CR>\<C-g>u"
  feedkeys(keys_typed, 'ni')
  return true
enddef

def InsertText(place: dict<any>, text: string, n_replaced: number)
  final lines = split(text, "\n", true)
  const length_of_last = strlen(lines[-1])
  const start = len(lines) == 1 ? place.column : 0
  lines[0] = strpart(place.line, 0, place.column) .. lines[0]
  lines[-1] ..= strpart(place.line, place.column + n_replaced)
  setline(place.row, lines[0])
  if len(lines) > 1
    append(place.row, lines[1 :])
  endif
  cursor(place.row + len(lines) - 1, start + length_of_last + 1)
enddef

def ReportPartial(suggestion: dict<any>, rest: string, piece: string)
  const accepted = strpart(suggestion.text, 0, strlen(suggestion.text) - strlen(rest) + strlen(piece))
  Report('textDocument/didPartiallyAcceptCompletion', {
    item: suggestion.item,
    acceptedLength: columns.CountUnits(accepted, 'utf-16'),
  })
enddef

# Inserts a part of the suggestion; `Accept` types the keys that call this.
export def Insert(part: string)
  const place = suggestions.Place()
  const [suggestion, rest] = Current(place)
  if rest == ''
    return
  endif
  const piece = suggestions.Piece(suggestion, rest, part)
  # Undo would bring ghost text back with its line.
  ghost.Clear()
  if piece !=# rest
    InsertText(place, piece, 0)
    ReportPartial(suggestion, rest, piece)
    Show()
    return
  endif
  InsertText(place, rest, strlen(suggestion.replaced))
  Clear()
  if type(get(suggestion.item, 'command', null)) == v:t_dict
    documents.Flush(place.buffer)
    client.Execute(suggestion.item.command)
  endif
enddef
