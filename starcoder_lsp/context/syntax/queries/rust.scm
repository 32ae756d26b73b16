(mod_item name: (_) @name !body) @definition.module
(mod_item name: (_) @name body: (_) @body) @definition.module
(use_declaration
  argument: [(identifier) (crate) (self) (super) (scoped_identifier) (use_list)] @module) @import
(use_declaration argument: (use_wildcard (_) @module) @wildcard) @import
(use_declaration argument: (use_as_clause path: (_) @module alias: (_) @alias)) @import
(use_declaration
  argument: (scoped_use_list
    path: (_) @module
    list: (use_list [(identifier) (self) (scoped_identifier) (scoped_use_list)] @member)))
  @import
(use_declaration
  argument: (scoped_use_list
    path: (_) @module
    list: (use_list (use_as_clause path: (_) @member alias: (_) @alias)))) @import
(extern_crate_declaration name: (_) @module) @import

(function_item name: (_) @name body: (_) @body) @definition.function
(function_signature_item name: (_) @name) @definition.function
(struct_item name: (_) @name body: (_)? @body) @definition.class
(union_item name: (_) @name body: (_) @body) @definition.class
(enum_item name: (_) @name body: (_) @body) @definition.enum
(enum_variant name: (_) @name) @definition.constant
(trait_item name: (_) @name body: (_) @body) @definition.interface
(impl_item type: [(type_identifier) @name (generic_type type: (_) @name)] body: (_) @body) @scope.class
(type_item name: (_) @name) @definition.type
(associated_type name: (_) @name) @definition.type
(const_item name: (_) @name) @definition.constant
(static_item name: (_) @name) @definition.variable
(field_declaration name: (_) @name) @definition.field
(macro_definition name: (_) @name) @definition.macro

(call_expression function: (identifier) @reference.call)
(call_expression function: (field_expression field: (_) @reference.call))
(call_expression function: (scoped_identifier name: (_) @reference.call))
(macro_invocation macro: (identifier) @reference.call)
(impl_item trait: (type_identifier) @reference.base)
(trait_bounds (type_identifier) @reference.base)
(type_identifier) @reference.type
