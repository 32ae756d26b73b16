(file_scoped_namespace_declaration name: (_) @name) @package
(namespace_declaration name: (_) @name) @package
(using_directive !name [(identifier) (qualified_name)] @module) @import
(using_directive name: (_) @alias [(qualified_name) (generic_name)] @module) @import

(class_declaration name: (_) @name body: (_)? @body) @definition.class
(struct_declaration name: (_) @name body: (_)? @body) @definition.class
(record_declaration name: (_) @name body: (_)? @body) @definition.class
(interface_declaration name: (_) @name body: (_)? @body) @definition.interface
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(enum_member_declaration name: (_) @name) @definition.constant
(delegate_declaration name: (_) @name) @definition.type
(method_declaration name: (_) @name body: (_)? @body) @definition.method
(constructor_declaration name: (_) @name body: (_)? @body) @definition.method
(property_declaration name: (_) @name accessors: (_)? @body) @definition.field
(field_declaration
  (variable_declaration (variable_declarator name: (_) @name))) @definition.field
(event_field_declaration
  (variable_declaration (variable_declarator name: (_) @name))) @definition.field
(local_function_statement name: (_) @name body: (_) @body) @definition.function

(invocation_expression function: (identifier) @reference.call)
(invocation_expression function: (member_access_expression name: (_) @reference.call))
(object_creation_expression type: (identifier) @reference.call)
(base_list (identifier) @reference.base)
(base_list (generic_name (identifier) @reference.base))
(variable_declaration type: (identifier) @reference.type)
(parameter type: (identifier) @reference.type)
(method_declaration returns: (identifier) @reference.type)
(property_declaration type: (identifier) @reference.type)
(generic_name (identifier) @reference.type)
(attribute name: (identifier) @reference.type)
