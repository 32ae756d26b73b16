(def name: (_) @name) @definition.variable
(var name: (_) @name) @definition.variable
(extra_defs name: (_) @name body: (_) @body) @definition.function
