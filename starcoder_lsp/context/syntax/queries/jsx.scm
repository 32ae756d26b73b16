((jsx_opening_element name: (identifier) @reference.type)
  (#match? @reference.type "^[A-Z]"))
((jsx_self_closing_element name: (identifier) @reference.type)
  (#match? @reference.type "^[A-Z]"))
