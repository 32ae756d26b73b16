(package_declaration [(scoped_identifier) (identifier)] @name) @package
(import_declaration (scoped_identifier) @module) @import
(import_declaration (scoped_identifier) @module (asterisk) @wildcard) @import

(class_declaration name: (_) @name body: (_) @body) @definition.class
(record_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.interface
(annotation_type_declaration name: (_) @name body: (_) @body) @definition.interface
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(enum_constant name: (_) @name) @definition.constant
(method_declaration name: (_) @name body: (_)? @body) @definition.method
(constructor_declaration name: (_) @name body: (_) @body) @definition.method
(compact_constructor_declaration name: (_) @name body: (_) @body) @definition.method
(annotation_type_element_declaration name: (_) @name) @definition.method
(field_declaration declarator: (variable_declarator name: (_) @name)) @definition.field
(constant_declaration declarator: (variable_declarator name: (_) @name)) @definition.constant

(method_invocation name: (_) @reference.call)
(object_creation_expression type: (type_identifier) @reference.call)
(superclass (type_identifier) @reference.base)
(super_interfaces (type_list (type_identifier) @reference.base))
(super_interfaces (type_list (generic_type (type_identifier) @reference.base)))
(extends_interfaces (type_list (type_identifier) @reference.base))
(type_identifier) @reference.type
(annotation name: (identifier) @reference.type)
(marker_annotation name: (identifier) @reference.type)
