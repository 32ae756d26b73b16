(abstract_class_declaration name: (_) @name body: (_) @body) @definition.class
(export_statement
  declaration: (abstract_class_declaration name: (_) @name body: (_) @body)) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.interface
(export_statement
  declaration: (interface_declaration name: (_) @name body: (_) @body)) @definition.interface
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(export_statement
  declaration: (enum_declaration name: (_) @name body: (_) @body)) @definition.enum
(enum_body name: (_) @name @definition.field)
(enum_body (enum_assignment name: (_) @name) @definition.field)
(type_alias_declaration name: (_) @name) @definition.type
(export_statement declaration: (type_alias_declaration name: (_) @name)) @definition.type
(internal_module name: (_) @name body: (_) @body) @definition.module
(module name: (_) @name body: (_) @body) @definition.module
(function_signature name: (_) @name) @definition.function
(export_statement declaration: (function_signature name: (_) @name)) @definition.function
(method_signature name: (_) @name) @definition.method
(abstract_method_signature name: (_) @name) @definition.method
(property_signature name: (property_identifier) @name) @definition.field
(public_field_definition name: (_) @name) @definition.field
(required_parameter (accessibility_modifier) pattern: (identifier) @name) @definition.field
(ambient_declaration
  (lexical_declaration (variable_declarator name: (identifier) @name))) @definition.variable

(class_heritage (extends_clause value: (identifier) @reference.base))
(type_identifier) @reference.type
