vim9script
# Asks the server's questions (`window/showMessageRequest`) outside insert mode.

import autoload 'starcoder/client.vim'
import autoload 'starcoder/message.vim'

def AskNow(params: dict<any>, id: any)
  const titles: list<string> = params.actions->mapnew((_, action) => action.title)
  const question = get(params, 'message', '')
  # The title of the menu may be too narrow for it.
  message.Show(question, 'None')
  # A menu, unlike confirm(), does not stop the messages of the server.
  popup_menu(titles, {
    title: $' {question} ',
    minwidth: min([strdisplaywidth(question), &columns - 8]),
    callback: (_, choice) =>
      client.Reply(id, choice > 0 ? {title: titles[choice - 1]} : null),
  })
enddef

var AskLater: func = () => 0

# Asks when the user is not typing: a menu would take the typed text for an answer.
export def Ask(params: dict<any>, id: any)
  if empty(get(params, 'actions', []))
    client.Reply(id, null)
  elseif mode() == 'n'
    AskNow(params, id)
  else
    AskLater = () => AskNow(params, id)
    autocmd ModeChanged *:n ++once timer_start(0, (_) => AskLater())
  endif
enddef
