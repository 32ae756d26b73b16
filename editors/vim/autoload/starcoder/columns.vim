vim9script
# Converts columns between bytes and the units of the server's position encoding.

def UnitsOf(code_point: number, encoding: string): number
  return encoding == 'utf-16' && code_point > 0xffff ? 2 : 1
enddef

# Returns the byte column of an LSP character offset, at most the length of the line.
export def FromUnits(line: string, units: number, encoding: string): number
  if encoding == 'utf-8'
    return min([units, strlen(line)])
  endif
  var n_units = 0
  var n_bytes = 0
  for code_point in str2list(line)
    n_units += UnitsOf(code_point, encoding)
    if n_units > units
      break
    endif
    n_bytes += strlen(nr2char(code_point))
  endfor
  return n_bytes
enddef

# Returns the length of a text in the units of an encoding.
export def CountUnits(text: string, encoding: string): number
  if encoding == 'utf-8'
    return strlen(text)
  endif
  var n_units = 0
  for code_point in str2list(text)
    n_units += UnitsOf(code_point, encoding)
  endfor
  return n_units
enddef
