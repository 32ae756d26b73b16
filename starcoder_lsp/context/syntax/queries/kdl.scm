(node . (identifier) @name) @definition.module
