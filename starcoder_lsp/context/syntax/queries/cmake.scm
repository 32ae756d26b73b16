(function_def (function_command (argument_list . (argument) @name)) (body)? @body)
  @definition.function
(macro_def (macro_command (argument_list . (argument) @name)) (body)? @body)
  @definition.macro
((normal_command (identifier) @_set (argument_list . (argument) @name)) @definition.variable
  (#match? @_set "(?i)^(set|option)$"))
((normal_command (identifier) @_target (argument_list . (argument) @name)) @definition.module
  (#match? @_target "(?i)^(add_library|add_executable|project)$"))
((normal_command (identifier) @_include (argument_list . (argument) @module)) @import
  (#match? @_include "(?i)^(include|find_package|add_subdirectory)$"))
