(use_statement (string_value) @module) @import
(mixin_statement name: (_) @name (block) @body) @definition.function
(function_statement name: (_) @name (block) @body) @definition.function
(stylesheet (declaration (property_name) @name) @definition.variable)
