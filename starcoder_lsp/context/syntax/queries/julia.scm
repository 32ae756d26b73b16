(module_definition name: (_) @name (block)? @body) @definition.module
(using_statement [(identifier) (import_path)] @module) @import
(import_statement [(identifier) (import_path)] @module) @import
(using_statement
  (selected_import
    . [(identifier) (import_path)] @module
    [(identifier) (macro_identifier)] @member)) @import
(import_statement
  (selected_import
    . [(identifier) (import_path)] @module
    [(identifier) (macro_identifier)] @member)) @import
(import_statement (import_alias . (_) @module (identifier) @alias .)) @import
((call_expression
  (identifier) @_include (argument_list (string_literal (content) @module))) @import
  (#eq? @_include "include"))

(struct_definition
  (type_head [
    (identifier) @name
    (parametrized_type_expression . (identifier) @name)
    (binary_expression . (identifier) @name)
    (binary_expression . (parametrized_type_expression . (identifier) @name))])
  (block)? @body) @definition.class
(abstract_definition
  (type_head [(identifier) @name (binary_expression . (identifier) @name)])) @definition.interface
(struct_definition (block (typed_expression . (identifier) @name) @definition.field))
(function_definition
  (signature [
    (call_expression . (identifier) @name)
    (call_expression . (field_expression (identifier) @name .))
    (typed_expression . (call_expression . (identifier) @name))
    (where_expression . (call_expression . (identifier) @name))])
  (block)? @body) @definition.function
(macro_definition
  (signature (call_expression . (identifier) @name)) (block)? @body) @definition.macro
(assignment . (call_expression . (identifier) @name) (_) @body .) @definition.function
(const_statement (assignment . (identifier) @name)) @definition.constant

(call_expression . (identifier) @reference.call)
(call_expression . (field_expression (identifier) @reference.call .))
(typed_expression (identifier) @reference.type .)
(type_head (binary_expression (identifier) @reference.base .))
