(fn name: (_) @name) @definition.function
(lambda name: (_) @name) @definition.function
(global (binding (symbol) @name)) @definition.variable
(program (local (binding (symbol) @name)) @definition.variable)
