(package_clause (package_identifier) @name) @package
(import_spec path: (interpreted_string_literal) @module !name) @import
(import_spec name: (package_identifier) @alias path: (_) @module) @import
(import_spec name: (dot) @wildcard path: (_) @module) @import
(import_spec name: (blank_identifier) path: (_) @module) @import

(function_declaration name: (_) @name body: (_)? @body) @definition.function
(method_declaration
  receiver: (parameter_list
    (parameter_declaration type: [
      (type_identifier) @container
      (pointer_type (type_identifier) @container)
      (generic_type type: (_) @container)
      (pointer_type (generic_type type: (_) @container))]))
  name: (_) @name body: (_)? @body) @definition.method
(type_declaration
  (type_spec name: (_) @name type: (struct_type (field_declaration_list) @body))) @definition.class
(type_declaration
  (type_spec name: (_) @name type: (interface_type "{" @body))) @definition.interface
(type_declaration (type_spec name: (_) @name)) @definition.type
(type_declaration (type_alias name: (_) @name)) @definition.type
(field_declaration name: (_) @name) @definition.field
(interface_type (method_elem name: (_) @name) @definition.method)
(source_file (const_declaration (const_spec name: (_) @name)) @definition.constant)
(source_file (var_declaration (var_spec name: (_) @name)) @definition.variable)
(source_file
  (var_declaration (var_spec_list (var_spec name: (_) @name) @definition.variable)))

(call_expression function: (identifier) @reference.call)
(call_expression function: (selector_expression field: (_) @reference.call))
(type_identifier) @reference.type
(field_declaration !name type: (type_identifier) @reference.base)
