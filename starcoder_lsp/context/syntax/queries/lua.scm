((variable_declaration
  (assignment_statement
    (variable_list name: (identifier) @alias)
    (expression_list
      value: (function_call
        name: (identifier) @_require
        arguments: (arguments (string content: (_) @module)))))) @import
  (#eq? @_require "require"))
((function_call
  name: (identifier) @_require arguments: (arguments (string content: (_) @module))) @import
  (#any-of? @_require "require" "dofile"))

(function_declaration name: (identifier) @name body: (_)? @body) @definition.function
(function_declaration
  name: (dot_index_expression table: (_) @container field: (_) @name) body: (_)? @body)
  @definition.function
(function_declaration
  name: (method_index_expression table: (_) @container method: (_) @name) body: (_)? @body)
  @definition.method
(assignment_statement
  (variable_list name: (identifier) @name)
  (expression_list value: (function_definition body: (_)? @body))) @definition.function
(assignment_statement
  (variable_list name: (dot_index_expression table: (_) @container field: (_) @name))
  (expression_list value: (function_definition body: (_)? @body))) @definition.function
(chunk (assignment_statement (variable_list name: (identifier) @name)) @definition.variable)
(chunk
  (variable_declaration
    (assignment_statement (variable_list name: (identifier) @name))) @definition.variable)

(function_call name: (identifier) @reference.call)
(function_call name: (dot_index_expression field: (_) @reference.call))
(function_call name: (method_index_expression method: (_) @reference.call))
