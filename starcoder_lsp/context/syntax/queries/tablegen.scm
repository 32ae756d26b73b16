(include (string_string) @module) @import
(class name: (_) @name body: (_) @body) @definition.class
(multiclass . (identifier) @name body: (_) @body) @definition.class
(def . (value) @name) @definition.constant
