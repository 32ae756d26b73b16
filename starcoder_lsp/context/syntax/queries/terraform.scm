((config_file
  (body (block (identifier) @_block . (string_lit) @name . (block_start) @body) @definition.variable))
  (#match? @_block "^(variable|output|provider)$"))
((config_file
  (body (block (identifier) @_block . (string_lit) @name . (block_start) @body) @definition.module))
  (#eq? @_block "module"))
((config_file
  (body
    (block
      (identifier) @_block . (string_lit) @container . (string_lit) @name . (block_start) @body)
    @definition.class))
  (#match? @_block "^(resource|data)$"))
