(namespace_definition name: (_) @name body: (_) @body) @scope.module
(namespace_alias_definition name: (_) @name) @definition.module
(using_declaration (qualified_identifier) @module) @import

(class_specifier name: (type_identifier) @name body: (_) @body) @definition.class
(class_specifier
  name: (template_type name: (_) @name) body: (_) @body) @definition.class
(template_declaration
  (class_specifier name: (type_identifier) @name body: (_) @body)) @definition.class
(template_declaration
  (struct_specifier name: (type_identifier) @name body: (_) @body)) @definition.class
(template_declaration
  (function_definition
    declarator: (function_declarator declarator: (identifier) @name) body: (_) @body))
  @definition.function
(alias_declaration name: (_) @name) @definition.type
(template_declaration (alias_declaration name: (_) @name)) @definition.type
(concept_definition name: (_) @name) @definition.type
(namespace_definition
  body: (declaration_list
    (declaration declarator: (init_declarator declarator: (identifier) @name))
    @definition.variable))

; Members, inside and outside of their class
(field_declaration
  declarator: (function_declarator declarator: (field_identifier) @name)) @definition.method
(field_declaration
  declarator: (pointer_declarator
    declarator: (function_declarator declarator: (field_identifier) @name))) @definition.method
(field_declaration
  declarator: (reference_declarator
    (function_declarator declarator: (field_identifier) @name))) @definition.method
(field_declaration
  declarator: (function_declarator declarator: (operator_name) @name)) @definition.method
(function_definition
  declarator: (function_declarator
    declarator: [(field_identifier) (operator_name) (destructor_name)] @name)
  body: (_)? @body) @definition.method
(function_definition
  declarator: (pointer_declarator
    declarator: (function_declarator declarator: (field_identifier) @name)) body: (_) @body)
  @definition.method
(function_definition
  declarator: (reference_declarator
    (function_declarator declarator: [(field_identifier) (identifier)] @name)) body: (_) @body)
  @definition.function
(function_definition
  declarator: (function_declarator
    declarator: (qualified_identifier scope: (_) @container name: [(identifier) (destructor_name) (operator_name)] @name))
  body: (_) @body) @definition.function
(function_definition
  declarator: (function_declarator
    declarator: (qualified_identifier
      scope: (_)
      name: (qualified_identifier scope: (_) @container name: [(identifier) (destructor_name) (operator_name)] @name)))
  body: (_) @body) @definition.function
(function_definition
  declarator: (_
    (function_declarator
      declarator: (qualified_identifier scope: (_) @container name: (identifier) @name)))
  body: (_) @body) @definition.function
(function_definition
  declarator: (_
    (function_declarator
      declarator: (qualified_identifier
        scope: (_)
        name: (qualified_identifier scope: (_) @container name: (identifier) @name))))
  body: (_) @body) @definition.function

(base_class_clause (type_identifier) @reference.base)
(base_class_clause (template_type name: (_) @reference.base))
(call_expression function: (qualified_identifier name: (identifier) @reference.call))
