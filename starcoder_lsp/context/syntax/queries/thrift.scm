(include_statement (string (string_fragment) @module)) @import
(const_definition (identifier) @name) @definition.constant
(struct_definition type: (_) @name) @definition.class
(exception_definition . (identifier) @name) @definition.class
(enum_definition type: (_) @name) @definition.enum
(service_definition . type: (_) @name) @definition.interface
(function_definition (identifier) @name) @definition.method
