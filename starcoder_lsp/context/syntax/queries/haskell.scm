(header module: (module) @name) @package
(import module: (module) @module !names !alias) @import
(import module: (module) @module alias: (module) @alias) @import
(import module: (module) @module names: (import_list name: (import_name) @member)) @import

(data_type name: (_) @name) @definition.class
(newtype name: (_) @name) @definition.class
(type_synomym name: (_) @name) @definition.type
(type_family name: (_) @name) @definition.type
(class name: (_) @name declarations: (_)? @body) @definition.interface
(instance name: (_) @name declarations: (_)? @body) @scope.class
(data_constructor (prefix name: (_) @name)) @definition.constant
(data_constructor (record name: (_) @name)) @definition.constant
(field name: (field_name (variable) @name)) @definition.field
(signature name: (variable) @name) @definition.function
(function name: (variable) @name match: (_) @body) @definition.function
(declarations (bind name: (variable) @name match: (_) @body) @definition.function)

(apply function: (variable) @reference.call)
(signature type: (_ (name) @reference.type))
(name) @reference.type
(constructor) @reference.type
