((command
  name: (command_name) @_source . argument: [(word) (string)] @module) @import
  (#any-of? @_source "source" "."))

(function_definition name: (_) @name body: (_) @body) @definition.function
(program (variable_assignment name: (variable_name) @name) @definition.variable)
(program
  (declaration_command (variable_assignment name: (variable_name) @name)) @definition.variable)
((command name: (command_name) @_alias argument: (concatenation . (word) @name)) @definition.macro
  (#eq? @_alias "alias"))

(command name: (command_name (word) @reference.call))
