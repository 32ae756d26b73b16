(with_clause (_) @module) @import
(package_body name: (_) @name) @definition.module
(package_declaration name: (_) @name) @definition.module
(full_type_declaration . (identifier) @name) @definition.type
(subprogram_body
  [(procedure_specification name: (_) @name) (function_specification name: (_) @name)])
  @definition.function
(subprogram_declaration
  [(procedure_specification name: (_) @name) (function_specification name: (_) @name)])
  @definition.function
