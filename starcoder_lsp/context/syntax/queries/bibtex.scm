(entry key: (_) @name) @definition.variable
