(module_declaration name: (_) @name) @package
(import_clause moduleName: (_) @module) @import
(type_declaration name: (_) @name) @definition.type
(type_alias_declaration name: (_) @name) @definition.type
(union_variant name: (_) @name) @definition.constant
(file (type_annotation name: (_) @name) @definition.function)
(file
  (value_declaration
    functionDeclarationLeft: (function_declaration_left . (lower_case_identifier) @name)
    body: (_) @body) @definition.function)
