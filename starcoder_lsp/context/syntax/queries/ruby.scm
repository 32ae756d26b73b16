((call
  !receiver
  method: (identifier) @_require
  arguments: (argument_list (string (string_content) @module))) @import
  (#any-of? @_require "require" "require_relative" "load"))

(module name: (_) @name body: (_)? @body) @definition.module
(class name: (_) @name body: (_)? @body) @definition.class
(method name: (_) @name body: (_)? @body) @definition.function
(singleton_method name: (_) @name body: (_)? @body) @definition.function
(assignment left: (constant) @name) @definition.constant
(alias name: (_) @name) @definition.function
((call
  !receiver
  method: (identifier) @_attribute
  arguments: (argument_list (simple_symbol) @name)) @definition.field
  (#match? @_attribute "^attr_"))
((call
  !receiver
  method: (identifier) @_define
  arguments: (argument_list . (simple_symbol) @name)) @definition.function
  (#any-of? @_define "alias_method" "define_method"))

(call method: (identifier) @reference.call)
(superclass (constant) @reference.base)
((call
  !receiver
  method: (identifier) @_include
  arguments: (argument_list (constant) @reference.base))
  (#any-of? @_include "include" "extend" "prepend"))
(call receiver: (constant) @reference.type)
(scope_resolution name: (constant) @reference.type)
