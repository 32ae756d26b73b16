(import import: (string) @module) @import
(section (heading (text) @name)) @definition.module
(let pattern: (ident) @name) @definition.variable
(let pattern: (call item: (ident) @name) value: (_) @body) @definition.function
