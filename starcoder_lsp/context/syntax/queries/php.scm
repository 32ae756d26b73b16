(namespace_definition name: (_) @name) @package
(namespace_use_declaration
  (namespace_use_clause [(qualified_name) (name)] @module !alias)) @import
(namespace_use_declaration
  (namespace_use_clause [(qualified_name) (name)] @module alias: (_) @alias)) @import
(namespace_use_declaration
  (namespace_name) @module
  body: (namespace_use_group (namespace_use_clause . (_) @member alias: (_)? @alias))) @import
(include_expression (string (string_content) @module)) @import
(include_once_expression (string (string_content) @module)) @import
(require_expression (string (string_content) @module)) @import
(require_once_expression (string (string_content) @module)) @import
(require_once_expression
  (binary_expression right: (string (string_content) @module))) @import
(require_expression
  (binary_expression right: (string (string_content) @module))) @import

(class_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.interface
(trait_declaration name: (_) @name body: (_) @body) @definition.interface
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(enum_case name: (_) @name) @definition.constant
(function_definition name: (_) @name body: (_) @body) @definition.function
(method_declaration name: (_) @name body: (_)? @body) @definition.method
(const_declaration (const_element (name) @name)) @definition.constant
(property_declaration (property_element (variable_name (name) @name))) @definition.field
(property_promotion_parameter name: (variable_name (name) @name)) @definition.field
((function_call_expression
  function: (name) @_define
  arguments: (arguments . (argument (string (string_content) @name)))) @definition.constant
  (#eq? @_define "define"))

(function_call_expression function: (name) @reference.call)
(member_call_expression name: (name) @reference.call)
(scoped_call_expression name: (name) @reference.call)
(scoped_call_expression scope: (name) @reference.type)
(object_creation_expression (name) @reference.call)
(base_clause (name) @reference.base)
(class_interface_clause (name) @reference.base)
(use_declaration (name) @reference.base)
(named_type (name) @reference.type)
