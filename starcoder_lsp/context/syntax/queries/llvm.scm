(global_global (global_var) @name) @definition.variable
(fn_define (function_header name: (_) @name) body: (_) @body) @definition.function
(declare (function_header name: (_) @name)) @definition.function
