(package_clause name: (_) @name) @package
(import_declaration path: _+ @module) @import
(import_declaration path: _+ @module . (namespace_wildcard) @wildcard) @import
(import_declaration
  path: _+ @module . (namespace_selectors (identifier) @member)) @import
(import_declaration
  path: _+ @module .
  (namespace_selectors
    (arrow_renamed_identifier name: (_) @member alias: (_) @alias))) @import

(trait_definition name: (_) @name body: (_)? @body) @definition.interface
(class_definition name: (_) @name body: (_)? @body) @definition.class
(object_definition name: (_) @name body: (_)? @body) @definition.class
(enum_definition name: (_) @name body: (_) @body) @definition.enum
(simple_enum_case name: (_) @name) @definition.constant
(full_enum_case name: (_) @name) @definition.constant
(function_definition name: (_) @name body: (_) @body) @definition.function
(function_declaration name: (_) @name) @definition.function
(template_body (val_definition pattern: (identifier) @name) @definition.field)
(template_body (var_definition pattern: (identifier) @name) @definition.field)
(template_body (val_declaration name: (identifier) @name) @definition.field)
(compilation_unit (val_definition pattern: (identifier) @name) @definition.variable)
(type_definition name: (_) @name) @definition.type

(call_expression function: (identifier) @reference.call)
(call_expression function: (field_expression field: (identifier) @reference.call))
(instance_expression (type_identifier) @reference.call)
(extends_clause type: (type_identifier) @reference.base)
(extends_clause type: (generic_type type: (type_identifier) @reference.base))
(type_identifier) @reference.type
