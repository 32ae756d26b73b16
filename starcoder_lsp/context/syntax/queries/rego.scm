(module (package) . (ref) @name) @package
(module (import) . (ref) @module) @import
(policy (rule (rule_head . (var) @name)) @definition.function)
