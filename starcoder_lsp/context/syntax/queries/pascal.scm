(declUses (moduleName) @module) @import
(unit (moduleName) @name) @package
(declType name: (_) @name) @definition.type
(declConst name: (_) @name) @definition.constant
(declProc name: (_) @name) @definition.function
(defProc header: (declProc name: (_) @name) body: (_) @body) @definition.function
