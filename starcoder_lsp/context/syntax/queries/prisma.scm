(model_block . (identifier) @name) @definition.class
(enum_block . (identifier) @name) @definition.enum
(key_value_block . (identifier) @name) @definition.module
(model_field field_name: (_) @name) @definition.field
