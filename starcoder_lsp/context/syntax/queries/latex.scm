(package_include paths: (_ path: (path) @module)) @import
(new_command_definition declaration: (curly_group_command_name (command_name) @name))
  @definition.macro
(section text: (curly_group (text) @name)) @definition.module
(subsection text: (curly_group (text) @name)) @definition.module
(chapter text: (curly_group (text) @name)) @definition.module
(label_definition name: (curly_group_label label: (label) @name)) @definition.variable
