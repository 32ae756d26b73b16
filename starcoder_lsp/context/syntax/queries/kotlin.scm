(package_header (identifier) @name) @package
(import_header (identifier) @module) @import
(import_header (identifier) @module (import_alias (_) @alias)) @import
(import_header (identifier) @module (wildcard_import) @wildcard) @import

(class_declaration
  "interface" . (type_identifier) @name (class_body)? @body) @definition.interface
(class_declaration (type_identifier) @name (enum_class_body) @body) @definition.enum
(class_declaration (type_identifier) @name (class_body)? @body) @definition.class
(object_declaration (type_identifier) @name (class_body)? @body) @definition.class
(enum_entry . (simple_identifier) @name) @definition.constant
(function_declaration
  receiver: (receiver_type (user_type (type_identifier) @container))
  (simple_identifier) @name (function_body)? @body) @definition.method
(function_declaration "fun" . (simple_identifier) @name (function_body)? @body)
  @definition.function
(function_declaration "fun" . (type_parameters) . (simple_identifier) @name (function_body)? @body)
  @definition.function
(source_file
  (property_declaration (variable_declaration . (simple_identifier) @name)) @definition.variable)
(class_body
  (property_declaration (variable_declaration . (simple_identifier) @name)) @definition.field)
(class_parameter (binding_pattern_kind) . (simple_identifier) @name) @definition.field
(type_alias (type_identifier) @name) @definition.type

(call_expression . (simple_identifier) @reference.call)
(call_expression
  . (navigation_expression (navigation_suffix (simple_identifier) @reference.call)))
(delegation_specifier (user_type (type_identifier) @reference.base))
(delegation_specifier
  (constructor_invocation (user_type (type_identifier) @reference.base)))
(user_type (type_identifier) @reference.type)
