vim9script
# Suggestions: items of an answer with the text that they were made for.
#   item          as the server sent it
#   text          the whole insertText
#   row, column   the line, from 1, and the byte, from 0, where `text` begins
#   before        the line up to `column`
#   after         the line from the cursor on
#   replaced      the start of `after` that `text` replaces

import autoload 'starcoder/columns.vim'

const WORD = '^\_s*\%(\k\+\|[^[:keyword:][:space:]]\+\)'

# Returns the cursor of the current window, and the state of its buffer.
export def Place(): dict<any>
  return {
    buffer: bufnr(),
    row: line('.'),
    column: col('.') - 1,
    line: getline('.'),
    tick: b:changedtick,
  }
enddef

# Returns the suggestion of an item, empty for a snippet or for another line.
export def Pin(item: dict<any>, place: dict<any>, encoding: string): dict<any>
  const span = get(item, 'range', null)
  const has_range = type(span) == v:t_dict
  if type(get(item, 'insertText')) != v:t_string
      || (has_range && span.start.line != place.row - 1)
    return {}
  endif
  var start = place.column
  var end = place.column
  if has_range
    start = columns.FromUnits(place.line, span.start.character, encoding)
    end = columns.FromUnits(place.line, span.end.character, encoding)
  endif
  const after = strpart(place.line, place.column)
  return {
    item: item,
    text: substitute(item.insertText, "\r\n", "\n", 'g'),
    row: place.row,
    column: start,
    before: strpart(place.line, 0, start),
    after: after,
    replaced: strpart(after, 0, max([end - place.column, 0])),
  }
enddef

def StartsWith(text: string, start: string): bool
  return strpart(text, 0, strlen(start)) ==# start
enddef

def IsAround(suggestion: dict<any>, place: dict<any>): bool
  const n_rows_down = place.row - suggestion.row
  if n_rows_down < 0 || n_rows_down > count(suggestion.text, "\n")
    return false
  elseif n_rows_down == 0 && place.column < suggestion.column
    return false
  elseif strpart(place.line, place.column) !=# suggestion.after
    return false
  endif
  return StartsWith(getline(suggestion.row), suggestion.before)
enddef

def TypedSince(suggestion: dict<any>, place: dict<any>): string
  final lines = getline(suggestion.row, place.row)
  lines[-1] = strpart(lines[-1], 0, place.column)
  lines[0] = strpart(lines[0], suggestion.column)
  return join(lines, "\n")
enddef

# Returns the rest to insert if the text typed since agrees with the suggestion, else ''.
# The present place has to be in the current buffer.
export def Rest(suggestion: dict<any>, place: dict<any>): string
  if empty(suggestion) || !IsAround(suggestion, place)
    return ''
  endif
  const typed = TypedSince(suggestion, place)
  if !StartsWith(suggestion.text, typed)
    return ''
  endif
  const rest = strpart(suggestion.text, strlen(typed))
  return rest ==# suggestion.replaced ? '' : rest
enddef

# Returns the piece of `rest` to accept; `part` is 'all', 'line' or 'word'.
export def Piece(suggestion: dict<any>, rest: string, part: string): string
  var piece = rest
  if part == 'line'
    piece = matchstr(rest, '^\n\=[^\n]*')
  elseif part == 'word'
    const word = matchstr(rest, WORD)
    piece = word == '' ? rest : word
  endif
  # The remaining text already stands after the cursor.
  return strpart(rest, strlen(piece)) ==# suggestion.replaced ? rest : piece
enddef
