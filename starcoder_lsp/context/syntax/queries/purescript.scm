(purescript name: (qualified_module) @name) @package
(import module: (_) @module) @import
(data name: (_) @name) @definition.class
(newtype name: (_) @name) @definition.class
(type_alias name: (_) @name) @definition.type
(class_declaration (class_head (class_name) @name) (class_body)? @body) @definition.interface
(signature name: (_) @name) @definition.function
(function name: (_) @name rhs: (_) @body) @definition.function
