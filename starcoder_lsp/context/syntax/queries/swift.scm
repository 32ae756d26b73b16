(import_declaration (identifier) @module) @import

(class_declaration
  declaration_kind: ["class" "struct" "actor"]
  name: (type_identifier) @name body: (_) @body) @definition.class
(class_declaration
  declaration_kind: "enum" name: (type_identifier) @name body: (_) @body) @definition.enum
(class_declaration
  declaration_kind: "extension" name: (user_type) @name body: (_) @body) @scope.class
(protocol_declaration name: (_) @name body: (_) @body) @definition.interface
(enum_entry name: (simple_identifier) @name) @definition.constant
(function_declaration name: (simple_identifier) @name body: (_)? @body) @definition.function
(protocol_function_declaration name: (simple_identifier) @name) @definition.function
(init_declaration "init" @name body: (_)? @body) @definition.method
(source_file
  (property_declaration name: (pattern (simple_identifier) @name)) @definition.variable)
(class_body
  (property_declaration name: (pattern (simple_identifier) @name)) @definition.field)
(protocol_property_declaration name: (pattern (simple_identifier) @name)) @definition.field
(typealias_declaration name: (type_identifier) @name) @definition.type

(call_expression . (simple_identifier) @reference.call)
(call_expression
  . (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @reference.call)))
(inheritance_specifier inherits_from: (user_type (type_identifier) @reference.base))
(user_type (type_identifier) @reference.type)
