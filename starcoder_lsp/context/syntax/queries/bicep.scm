(parameter_declaration . (identifier) @name) @definition.variable
(variable_declaration . (identifier) @name) @definition.variable
(resource_declaration . (identifier) @name (object) @body) @definition.class
(module_declaration . (identifier) @name (object) @body) @definition.module
(output_declaration . (identifier) @name) @definition.variable
