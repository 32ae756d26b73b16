(label (ident) @name) @definition.function
