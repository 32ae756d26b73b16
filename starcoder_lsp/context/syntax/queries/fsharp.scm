(named_module name: (_) @name) @package
(import_decl (_) @module) @import
(record_type_defn (type_name type_name: (_) @name)) @definition.class
(union_type_defn (type_name type_name: (_) @name)) @definition.type
(anon_type_defn (type_name type_name: (_) @name)) @definition.class
(function_or_value_defn (function_declaration_left . (_) @name) body: (_) @body)
  @definition.function
(function_or_value_defn (value_declaration_left . (_) @name)) @definition.variable
(method_or_prop_defn name: (property_or_ident method: (_) @name)) @definition.method
