(module_attribute name: (_) @name) @package
(record_decl name: (_) @name) @definition.class
(pp_define lhs: (macro_lhs name: (_) @name)) @definition.macro
(fun_decl clause: (function_clause name: (_) @name body: (_) @body)) @definition.function
