(defun (defun_header keyword: (defun_keyword) function_name: (_) @name)) @definition.function
((list_lit . (sym_lit) @_def . (sym_lit) @name) @definition.variable
  (#match? @_def "(?i)^(defvar|defparameter|defconstant)$"))
((list_lit . (sym_lit) @_def . (sym_lit) @name) @definition.class
  (#match? @_def "(?i)^(defclass|defstruct|define-condition)$"))
