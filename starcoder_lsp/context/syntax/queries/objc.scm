(protocol_declaration . (identifier) @name) @definition.interface
(class_interface . (identifier) @name) @definition.class
(class_implementation . (identifier) @name) @definition.class
(method_declaration (identifier) @name) @definition.method
(method_definition (identifier) @name (compound_statement) @body) @definition.method
