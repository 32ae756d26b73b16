(include_directive filenames: (list (word) @module)) @import
(variable_assignment name: (word) @name) @definition.variable
(define_directive name: (word) @name) @definition.macro
((rule (targets . (word) @name) (recipe)? @body) @definition.function
  (#not-match? @name "^\\."))
