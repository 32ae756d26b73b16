vim9script
# The server's status (`didChangeStatus`), for a statusline.

const STARTING: dict<any> = {busy: true, message: 'starting', kind: 'Normal'}

var reported = STARTING

# Triggers `User StarcoderStatus`, so that a statusline can redraw itself.
export def Announce()
  if exists('#User#StarcoderStatus')
    doautocmd <nomodeline> User StarcoderStatus
  endif
enddef

# Keeps a status, and returns whether the server has just become ready.
export def Store(params: dict<any>): bool
  const was_busy = reported.busy
  reported = {
    busy: get(params, 'busy', false),
    message: get(params, 'message', ''),
    kind: get(params, 'kind', 'Normal'),
  }
  Announce()
  return was_busy && !reported.busy
enddef

export def Forget()
  reported = STARTING
  Announce()
enddef

export def Describe(): string
  if reported.kind == 'Error' || reported.kind == 'Warning'
    return '⚠ ' .. (reported.message != '' ? reported.message : tolower(reported.kind))
  elseif reported.message != ''
    return reported.message
  elseif reported.kind == 'Inactive'
    return 'inactive'
  endif
  return reported.busy ? 'busy' : 'ready'
enddef
