vim9script
# Draws ghost text, the text that a suggestion would insert, as virtual text.

const GHOST = 'StarcoderGhost'
const REPLACED = 'StarcoderReplaced'

# The buffer with ghost text, 0 if there is none, and the lines where it was drawn.
var drawn_in = 0
var drawn_from = 0
var drawn_to = 0
var n_drawn = 0
var drawn = ''

export def DefineHighlights()
  highlight default link StarcoderGhost Comment
  highlight default StarcoderReplaced term=strikethrough cterm=strikethrough gui=strikethrough
  for name in [GHOST, REPLACED]
    if empty(prop_type_get(name))
      prop_type_add(name, {highlight: name, combine: false, priority: 100})
    endif
  endfor
enddef

# Replaces tabs by spaces of the same width, because virtual text shows them as one space.
def ExpandTabs(text: string, display_column: number): string
  const parts = split(text, "\t", true)
  var expanded = parts[0]
  for part in parts[1 :]
    const column = display_column + strdisplaywidth(expanded, display_column)
    expanded ..= repeat(' ', strdisplaywidth("\t", column)) .. part
  endfor
  return expanded
enddef

# Returns the pieces of the new text that stand around the characters of the old one, as
# [byte offset, text] pairs; empty if the new text does not contain these characters.
def PiecesAround(replaced: string, new: string): list<list<any>>
  const n_kept = strlen(new) - strlen(replaced)
  if n_kept >= 0 && strpart(new, n_kept) ==# replaced
    return [[0, strpart(new, 0, n_kept)]]
  endif
  final pieces: list<list<any>> = []
  var position = 0
  var offset = 0
  for character in split(replaced, '\zs')
    const found = stridx(new, character, position)
    if found < 0
      return []
    endif
    add(pieces, [offset, strpart(new, position, found - position)])
    position = found + strlen(character)
    offset += strlen(character)
  endfor
  add(pieces, [offset, strpart(new, position)])
  return pieces
enddef

def DrawPiece(place: dict<any>, offset: number, text: string)
  if text == ''
    return
  endif
  const column = place.column + offset
  const display_column = strdisplaywidth(strpart(place.line, 0, column))
  prop_add(place.row, column + 1, {type: GHOST, text: ExpandTabs(text, display_column)})
  n_drawn += 1
enddef

def DrawBelow(place: dict<any>, text: string)
  # Vim draws no empty virtual text.
  const shown = text == '' ? ' ' : ExpandTabs(text, 0)
  prop_add(place.row, 0, {type: GHOST, text: shown, text_align: 'below'})
  n_drawn += 1
enddef

# Draws `rest` at a place of the current buffer; it replaces the text `replaced` after it.
export def Draw(place: dict<any>, rest: string, replaced: string)
  Clear()
  drawn_in = place.buffer
  drawn_from = place.row
  drawn_to = place.row
  drawn = rest
  const lines = split(rest, "\n", true)
  var pieces = PiecesAround(replaced, lines[0])
  if empty(pieces)
    prop_add(place.row, place.column + 1, {type: REPLACED, length: strlen(replaced)})
    n_drawn += 1
    pieces = [[0, lines[0]]]
  endif
  for [offset, text] in pieces
    DrawPiece(place, offset, text)
  endfor
  for text in lines[1 :]
    DrawBelow(place, text)
  endfor
  RedrawBelow()
enddef

# Vim 9.0 does not draw the lines that virtual lines move. Setting the option to what it is
# makes Vim draw all windows of the buffer at the next chance.
def RedrawBelow()
  if stridx(drawn, "\n") >= 0 && drawn_in == bufnr()
    noautocmd &l:tabstop = &l:tabstop
  endif
enddef

def Remove(buffer: number, from: number, to: number): number
  var n_removed = 0
  for name in [GHOST, REPLACED]
    const prop = {type: name, bufnr: buffer, all: true}
    n_removed += from > 0 ? prop_remove(prop, from, to) : prop_remove(prop)
  endfor
  return n_removed
enddef

export def Clear()
  if drawn_in == 0
    return
  endif
  if bufloaded(drawn_in)
    const n_lines = getbufinfo(drawn_in)[0].linecount
    const last = min([drawn_to + 1, n_lines])
    if drawn_from > last || Remove(drawn_in, drawn_from, last) < n_drawn
      # The lines have moved.
      Remove(drawn_in, 0, 0)
    endif
    RedrawBelow()
  endif
  drawn_in = 0
  n_drawn = 0
  drawn = ''
enddef

# Returns the ghost text that is shown, '' if there is none.
export def Text(): string
  return drawn
enddef

# Removes ghost text that undo has brought back with its line.
export def ClearLines(from: number, to: number)
  Remove(bufnr(), from, to)
enddef
