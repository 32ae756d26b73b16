(property (key) @name) @definition.field
