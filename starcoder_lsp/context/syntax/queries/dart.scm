(library_name (dotted_identifier_list) @name) @package
(library_import (import_specification (configurable_uri) @module)) @import
(library_import
  (import_specification (configurable_uri) @module (identifier) @alias)) @import
(library_export (configurable_uri) @module) @import
(part_directive (uri) @module) @import

(class_definition name: (_) @name body: (_) @body) @definition.class
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(enum_constant name: (_) @name) @definition.constant
(mixin_declaration (identifier) @name (class_body) @body) @definition.class
(extension_declaration name: (_)? @name body: (_) @body) @definition.class
(type_alias . (type_identifier) @name) @definition.type
(program (function_signature name: (_) @name) @definition.function . (function_body) @body)
(program (getter_signature name: (_) @name) @definition.function . (function_body) @body)
((method_signature
  [(function_signature name: (_) @name)
   (getter_signature name: (_) @name)
   (setter_signature name: (_) @name)
   (constructor_signature . name: (_) @name)
   (factory_constructor_signature . (identifier) @name)]) @definition.method
  . (function_body) @body)
(declaration (function_signature name: (_) @name)) @definition.method
(declaration (constructor_signature . name: (_) @name)) @definition.method
(declaration
  (initialized_identifier_list (initialized_identifier . (identifier) @name))) @definition.field
(declaration
  (static_final_declaration_list
    (static_final_declaration . (identifier) @name))) @definition.field
(program
  (static_final_declaration_list
    (static_final_declaration . (identifier) @name)) @definition.variable)

(superclass (type_identifier) @reference.base)
(mixins (type_identifier) @reference.base)
(interfaces (type_identifier) @reference.base)
(type_identifier) @reference.type
((identifier) @reference.call . (selector (argument_part)))
(unconditional_assignable_selector (identifier) @reference.call)
