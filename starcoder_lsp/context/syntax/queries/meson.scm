(operatorunit . (identifier) @name) @definition.variable
((normal_command command: (identifier) @_target . (variableunit (string) @name))
  @definition.module
  (#match? @_target "^(project|executable|library|static_library|shared_library)$"))
