(open (import (module_name) @module)) @import
(data (data_name) @name) @definition.class
(record (record_name) @name) @definition.class
(function (lhs (function_name) @name)) @definition.function
