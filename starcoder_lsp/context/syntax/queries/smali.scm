(class_definition (class_directive (class_identifier) @name)) @definition.class
(field_definition (field_identifier) @name) @definition.field
(method_definition (method_signature (method_identifier) @name)) @definition.method
