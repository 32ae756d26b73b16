(config name: (_) @name) @definition.variable
(menu name: (_ (string_content) @name)) @definition.module
