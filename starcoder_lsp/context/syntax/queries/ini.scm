(section (section_name (text) @name)) @definition.module
(setting (setting_name) @name) @definition.field
