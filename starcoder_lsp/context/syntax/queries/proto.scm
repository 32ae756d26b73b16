(package (full_ident) @name) @package
(import path: (_) @module) @import
(message (message_name) @name (message_body) @body) @definition.class
(enum (enum_name) @name (enum_body) @body) @definition.enum
(service (service_name) @name) @definition.interface
(rpc (rpc_name) @name) @definition.method
(field (identifier) @name) @definition.field
(enum_field (identifier) @name) @definition.constant
