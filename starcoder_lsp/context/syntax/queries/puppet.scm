(class_definition [(identifier) (class_identifier)] @name (block) @body) @definition.class
(defined_resource_type [(identifier) (class_identifier)] @name (block) @body) @definition.type
(function_declaration [(identifier) (class_identifier)] @name) @definition.function
