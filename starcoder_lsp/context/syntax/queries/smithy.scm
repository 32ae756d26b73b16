(namespace_statement (namespace) @name) @package
(shape_statement (shape_body (_ (identifier) @name))) @definition.class
