(section (title) @name) @definition.module
(target name: (_) @name) @definition.variable
