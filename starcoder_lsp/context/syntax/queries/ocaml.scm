; Also the interfaces' queries are joined to these.

(open_module module: (_) @module) @import
(compilation_unit
  (value_definition (let_binding pattern: (value_name) @name)) @definition.function)
(structure (value_definition (let_binding pattern: (value_name) @name)) @definition.function)
(class_definition (class_binding (class_name) @name body: (_) @body)) @definition.class
(method_definition name: (_) @name) @definition.method
(module_definition (module_binding (module_name) @name body: (_) @body)) @definition.module
