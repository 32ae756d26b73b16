; Also for Racket.

((list . (symbol) @_define . (list . (symbol) @name)) @definition.function
  (#match? @_define "^(define|define/contract|define-public)$"))
((list . (symbol) @_define . (symbol) @name) @definition.variable
  (#match? @_define "^(define|define-values)$"))
((list . (symbol) @_define . [(symbol) @name (list . (symbol) @name)]) @definition.macro
  (#match? @_define "^define-syntax"))
((list . (symbol) @_define . [(symbol) @name (list . (symbol) @name)]) @definition.class
  (#match? @_define "^(struct|define-struct|define-record-type)$"))
