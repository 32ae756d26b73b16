(import_statement (call_expression (arguments (string_value) @module))) @import
(import_statement (string_value) @module) @import

(rule_set (selectors) @name (block) @body) @definition.class
(keyframes_statement (keyframes_name) @name (keyframe_block_list) @body) @definition.function
((declaration (property_name) @name) @definition.variable
  (#match? @name "^--"))

((call_expression
  (function_name) @_var (arguments (plain_value) @reference.use))
  (#eq? @_var "var"))
