vim9script
# The subcommands of `:Starcoder`.

import autoload 'starcoder.vim'

const SUBCOMMANDS: dict<func> = {
  enable: (_) => starcoder.Enable(),
  disable: (_) => starcoder.Disable(),
  toggle: (_) => starcoder.Toggle(),
  restart: (_) => starcoder.Restart(),
  trigger: (_) => starcoder.Trigger(),
  more: (_) => starcoder.More(),
  explain: (_) => starcoder.Explain(),
  stats: (_) => starcoder.Statistics(),
  snooze: (minutes) => starcoder.Snooze(minutes),
  status: (_) => starcoder.ShowStatus(),
}

export def Complete(lead: string, _: string, _: number): list<string>
  return keys(SUBCOMMANDS)->filter((_, name) => stridx(name, lead) == 0)->sort()
enddef

export def Run(name: string, argument = '')
  if !has_key(SUBCOMMANDS, name)
    echohl ErrorMsg
    echomsg $'starcoder: no subcommand "{name}"; there are: {join(Complete("", "", 0), ", ")}'
    echohl None
    return
  endif
  const Subcommand = SUBCOMMANDS[name]
  Subcommand(argument)
enddef
