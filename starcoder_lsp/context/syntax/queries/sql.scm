(create_table (object_reference) @name (column_definitions)? @body) @definition.class
(create_view (object_reference) @name) @definition.class
(create_materialized_view (object_reference) @name) @definition.class
(create_type (object_reference) @name) @definition.type
(create_index column: (identifier) @name) @definition.variable
(create_function (keyword_function) . (object_reference) @name (function_body)? @body) @definition.function
(create_trigger (keyword_trigger) . (object_reference) @name) @definition.function
(create_schema (identifier) @name) @definition.module
(create_sequence (object_reference) @name) @definition.variable
(column_definition name: (identifier) @name) @definition.field
(cte (identifier) @name) @definition.variable

(relation (object_reference name: (identifier) @reference.type))
(invocation (object_reference name: (identifier) @reference.call))
