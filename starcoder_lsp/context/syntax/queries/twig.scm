(macro_statement (method) @name) @definition.macro
((tag_statement (tag) @_block (variable) @name) @definition.module
  (#eq? @_block "block"))
((tag_statement (tag) @_from (interpolated_string) @module) @import
  (#any-of? @_from "extends" "include" "embed" "from"))
