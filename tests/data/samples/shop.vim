let g:shop_limit = 10

" Adds an item.
function! s:Push(queue, item) abort
  call add(a:queue, a:item)
endfunction

function! shop#open() abort
  return s:Push([], 1)
endfunction

command! Shop call shop#open()
