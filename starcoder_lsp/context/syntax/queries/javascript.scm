; Also the first part of TypeScript's queries.

(function_declaration name: (_) @name body: (_) @body) @definition.function
(generator_function_declaration name: (_) @name body: (_) @body) @definition.function
(class_declaration name: (_) @name body: (_) @body) @definition.class
(class_body (method_definition name: (_) @name body: (_) @body) @definition.method)
(export_statement
  declaration: (function_declaration name: (_) @name body: (_) @body)) @definition.function
(export_statement
  declaration: (generator_function_declaration
    name: (_) @name body: (_) @body)) @definition.function
(export_statement
  declaration: (class_declaration name: (_) @name body: (_) @body)) @definition.class

(program
  (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable)
(program
  (variable_declaration (variable_declarator name: (identifier) @name)) @definition.variable)
(export_statement
  declaration: (lexical_declaration
    (variable_declarator name: (identifier) @name))) @definition.variable
(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: (arrow_function body: (_) @body))) @definition.function
(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: (function_expression body: (_) @body))) @definition.function
(export_statement
  declaration: (lexical_declaration
    (variable_declarator
      name: (identifier) @name
      value: (arrow_function body: (_) @body)))) @definition.function
; What an object has that is exported or has a name
(program
  (lexical_declaration
    (variable_declarator
      name: (identifier) @container
      value: (object [
        (method_definition name: (_) @name body: (_) @body) @definition.method
        (pair
          key: (property_identifier) @name
          value: [(function_expression body: (_) @body) (arrow_function body: (_) @body)])
          @definition.method]))))
(program
  (expression_statement
    (assignment_expression
      right: (object [
        (method_definition name: (_) @name body: (_) @body) @definition.function
        (pair
          key: (property_identifier) @name
          value: [(function_expression body: (_) @body) (arrow_function body: (_) @body)])
          @definition.function]))))
(export_statement
  value: (object (method_definition name: (_) @name body: (_) @body) @definition.function))
; exports.name = function () {}, and the methods of what has a prototype
(expression_statement
  (assignment_expression
    left: (member_expression property: (property_identifier) @name)
    right: [(function_expression body: (_) @body) (arrow_function body: (_) @body)]))
  @definition.function
((expression_statement
  (assignment_expression
    left: (member_expression
      object: (member_expression object: (_) @container property: (_) @_prototype)
      property: (property_identifier) @name)
    right: [(function_expression body: (_) @body) (arrow_function body: (_) @body)]))
  @definition.method
  (#eq? @_prototype "prototype"))

(import_statement source: (string (_) @module)) @import
(import_statement
  (import_clause (identifier) @default) source: (string (_) @module)) @import
(import_statement
  (import_clause (namespace_import (identifier) @namespace)) source: (string (_) @module)) @import
((import_statement
  (import_clause (named_imports (import_specifier name: (_) @member alias: (_)? @alias)))
  source: (string (_) @module)) @import
  (#not-eq? @member "default"))
((import_statement
  (import_clause (named_imports (import_specifier name: (_) @_default alias: (_) @default)))
  source: (string (_) @module)) @import
  (#eq? @_default "default"))
(export_statement source: (string (_) @module)) @import
((export_statement
  (export_clause (export_specifier name: (_) @member alias: (_)? @alias))
  source: (string (_) @module)) @import
  (#not-eq? @member "default"))
((export_statement
  (export_clause (export_specifier name: (_) @_default alias: (_) @default))
  source: (string (_) @module)) @import
  (#eq? @_default "default"))
(export_statement
  (namespace_export (identifier) @namespace) source: (string (_) @module)) @import
((variable_declarator
  name: (identifier) @namespace
  value: (call_expression
    function: (identifier) @_require arguments: (arguments (string (_) @module)))) @import
  (#eq? @_require "require"))
((variable_declarator
  name: (object_pattern
    [(shorthand_property_identifier_pattern) @member
     (pair_pattern key: (_) @member value: (identifier) @alias)])
  value: (call_expression
    function: (identifier) @_require arguments: (arguments (string (_) @module)))) @import
  (#eq? @_require "require"))

(call_expression function: (identifier) @reference.call)
(call_expression function: (member_expression property: (_) @reference.call))
(new_expression constructor: (identifier) @reference.type)
