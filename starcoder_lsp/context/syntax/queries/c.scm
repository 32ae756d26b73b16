; Also the first part of C++'s, Objective-C's and the shader languages' queries.

(preproc_include path: (system_lib_string) @module) @import
(preproc_include path: (string_literal (string_content) @module)) @import

(preproc_def name: (_) @name) @definition.macro
(preproc_function_def name: (_) @name) @definition.macro
(function_definition
  declarator: (function_declarator declarator: (identifier) @name) body: (_) @body)
  @definition.function
(function_definition
  declarator: (pointer_declarator
    declarator: (function_declarator declarator: (identifier) @name)) body: (_) @body)
  @definition.function
(function_definition
  declarator: (pointer_declarator
    declarator: (pointer_declarator
      declarator: (function_declarator declarator: (identifier) @name))) body: (_) @body)
  @definition.function
(declaration
  declarator: (function_declarator declarator: (identifier) @name)) @definition.function
(declaration
  declarator: (pointer_declarator
    declarator: (function_declarator declarator: (identifier) @name))) @definition.function

(struct_specifier name: (type_identifier) @name body: (_) @body) @definition.class
(union_specifier name: (type_identifier) @name body: (_) @body) @definition.class
(enum_specifier name: (type_identifier) @name body: (_) @body) @definition.enum
(enumerator name: (_) @name) @definition.constant
(type_definition declarator: (type_identifier) @name) @definition.type
(type_definition
  declarator: (pointer_declarator declarator: (type_identifier) @name)) @definition.type
(type_definition
  declarator: (function_declarator
    declarator: (parenthesized_declarator
      (pointer_declarator declarator: (type_identifier) @name)))) @definition.type
(field_declaration declarator: (field_identifier) @name) @definition.field
(field_declaration
  declarator: (pointer_declarator declarator: (field_identifier) @name)) @definition.field
(field_declaration
  declarator: (array_declarator declarator: (field_identifier) @name)) @definition.field
(field_declaration
  declarator: (function_declarator
    declarator: (parenthesized_declarator
      (pointer_declarator declarator: (field_identifier) @name)))) @definition.field

(translation_unit (declaration declarator: (identifier) @name) @definition.variable)
(translation_unit
  (declaration declarator: (init_declarator declarator: (identifier) @name))
  @definition.variable)
(translation_unit
  (declaration
    declarator: (init_declarator
      declarator: [
        (array_declarator declarator: (identifier) @name)
        (pointer_declarator declarator: (identifier) @name)
        (pointer_declarator declarator: (array_declarator declarator: (identifier) @name))]))
  @definition.variable)
(translation_unit
  (declaration declarator: (array_declarator declarator: (identifier) @name))
  @definition.variable)
(translation_unit
  (declaration declarator: (pointer_declarator declarator: (identifier) @name))
  @definition.variable)
(translation_unit
  (declaration
    declarator: (array_declarator declarator: (pointer_declarator declarator: (identifier) @name)))
  @definition.variable)
(translation_unit
  (declaration
    declarator: (pointer_declarator declarator: (array_declarator declarator: (identifier) @name)))
  @definition.variable)

(call_expression function: (identifier) @reference.call)
(call_expression function: (field_expression field: (_) @reference.call))
(type_identifier) @reference.type
