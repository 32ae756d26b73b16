" Ghost text from starcoder-lsp. The options are in g:starcoder, see :help starcoder.
if exists('g:loaded_starcoder') || has('nvim')
  finish
endif
let g:loaded_starcoder = 1

" Virtual text as text properties came with 9.0.0185.
if !has('vim9script') || !has('patch-9.0.0185') || !has('channel') || !has('textprop')
  echohl WarningMsg
  echomsg 'starcoder: needs Vim 9.0.0185 or newer, with +channel and +textprop'
  echohl None
  finish
endif

command! -nargs=+ -complete=customlist,starcoder#command#Complete Starcoder call starcoder#command#Run(<f-args>)

if v:vim_did_enter
  call starcoder#Setup()
else
  autocmd VimEnter * ++once call starcoder#Setup()
endif
