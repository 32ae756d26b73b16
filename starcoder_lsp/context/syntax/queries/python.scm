; What the captures mean stands in syntax/extract.py.

(function_definition name: (_) @name body: (_) @body) @definition.function
(class_definition name: (_) @name body: (_) @body) @definition.class
(decorated_definition
  definition: (function_definition name: (_) @name body: (_) @body)) @definition.function
(decorated_definition
  definition: (class_definition name: (_) @name body: (_) @body)) @definition.class
(type_alias_statement left: (type (identifier) @name)) @definition.type

(module (assignment left: (identifier) @name) @definition.variable)
(module (if_statement (block (assignment left: (identifier) @name) @definition.variable)))
(module (try_statement (block (assignment left: (identifier) @name) @definition.variable)))
(class_definition
  body: (block (assignment left: (identifier) @name) @definition.field))
((assignment
  left: (attribute object: (identifier) @_self attribute: (identifier) @name)) @definition.field
  (#eq? @_self "self"))

(import_statement name: (dotted_name) @module) @import
(import_statement
  name: (aliased_import name: (dotted_name) @module alias: (_) @alias)) @import
(import_from_statement module_name: (_) @module name: (dotted_name) @member) @import
(import_from_statement
  module_name: (_) @module
  name: (aliased_import name: (_) @member alias: (_) @alias)) @import
(import_from_statement module_name: (_) @module (wildcard_import) @wildcard) @import

(call function: (identifier) @reference.call)
(call function: (attribute attribute: (identifier) @reference.call))
(type (identifier) @reference.type)
(class_definition superclasses: (argument_list (identifier) @reference.base))
(class_definition
  superclasses: (argument_list (attribute attribute: (identifier) @reference.base)))
