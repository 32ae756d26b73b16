((call
  function: (identifier) @_library
  arguments: (arguments . argument: (argument value: [(identifier) (string)] @module))) @import
  (#any-of? @_library "library" "require" "requireNamespace" "source" "loadNamespace"))

(binary_operator
  lhs: [(identifier) (string)] @name
  operator: ["<-" "=" "<<-"]
  rhs: (function_definition body: (_) @body)) @definition.function
(program
  (binary_operator lhs: (identifier) @name operator: ["<-" "=" "<<-"]) @definition.variable)
((call
  function: (identifier) @_class
  arguments: (arguments . argument: (argument value: (string (string_content) @name))))
  @definition.class
  (#any-of? @_class "setClass" "setRefClass" "R6Class"))
((call
  function: (identifier) @_generic
  arguments: (arguments . argument: (argument value: (string (string_content) @name))))
  @definition.function
  (#any-of? @_generic "setGeneric" "setMethod"))

(call function: (identifier) @reference.call)
(call function: (namespace_operator rhs: (identifier) @reference.call))
