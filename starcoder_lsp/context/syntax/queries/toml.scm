(table . (_) @name) @definition.module
(table_array_element . (_) @name) @definition.module
(pair . (_) @name) @definition.field
