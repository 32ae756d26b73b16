; What only plain JavaScript's grammar calls so.

(class_declaration (class_heritage (identifier) @reference.base))
(class_body (field_definition property: (_) @name) @definition.field)
