vim9script
# Messages that never make the user press Enter.

# The last message in full; `:Starcoder status` shows it.
export var last = ''

# Shows the start of a message on the last line of the screen.
export def Show(text: string, highlight = 'WarningMsg')
  last = text
  const line = substitute(text, '\_s\+', ' ', 'g')
  # Two cells stay free, because Vim pages a message that fills the line.
  const shown = strdisplaywidth(line) < v:echospace
    ? line
    : slice(line, 0, v:echospace - 2) .. '…'
  # A second message on a screen that was not drawn since makes Vim ask for Enter.
  redraw
  execute 'echohl' highlight
  echomsg shown
  echohl None
enddef

# Shows a text in a window of its own, which `q` closes.
export def ShowPage(name: string, text: string)
  execute 'botright new'
  setlocal buftype=nofile bufhidden=wipe noswapfile nobuflisted wrap
  setline(1, split(text, "\n"))
  execute 'silent! file' fnameescape($'starcoder: {name}')
  setlocal nomodifiable nomodified
  nnoremap <buffer> <nowait> q <Cmd>close<CR>
  execute 'resize' min([line('$') + 1, &lines * 2 / 3])
enddef
