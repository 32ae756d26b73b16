((call
  target: (identifier) @_defmodule (arguments . (alias) @name) (do_block) @body)
  @definition.module
  (#any-of? @_defmodule "defmodule"))
((call
  target: (identifier) @_defprotocol (arguments . (alias) @name) (do_block) @body)
  @definition.interface
  (#eq? @_defprotocol "defprotocol"))
((call target: (identifier) @_defimpl (arguments . (alias) @name) (do_block) @body) @scope.module
  (#eq? @_defimpl "defimpl"))
((call
  target: (identifier) @_def
  (arguments . [
    (call target: (identifier) @name)
    (identifier) @name
    (binary_operator left: (call target: (identifier) @name))])
  (do_block)? @body) @definition.function
  (#any-of? @_def "def" "defp" "defguard" "defdelegate"))
((call
  target: (identifier) @_def
  (arguments . [
    (call target: (identifier) @name)
    (identifier) @name
    (binary_operator left: (call target: (identifier) @name))])
  (do_block)? @body) @definition.macro
  (#any-of? @_def "defmacro" "defmacrop"))
((unary_operator operator: "@" operand: (call target: (identifier) @name (arguments)))
  @definition.constant
  (#not-match? @name "^(doc|moduledoc|spec|type|typep|opaque|callback|macrocallback|impl|behaviour|typedoc|derive|enforce_keys|dialyzer)$"))
((unary_operator
  operator: "@"
  operand: (call
    target: (identifier) @_type
    (arguments (binary_operator left: [(identifier) @name (call target: (identifier) @name)]))))
  @definition.type
  (#match? @_type "^(type|typep|opaque)$"))
((unary_operator
  operator: "@"
  operand: (call
    target: (identifier) @_callback
    (arguments (binary_operator left: (call target: (identifier) @name)))))
  @definition.method
  (#any-of? @_callback "callback" "macrocallback"))
((call target: (identifier) @name) @definition.class
  (#eq? @name "defstruct"))

((call target: (identifier) @_use (arguments . (alias) @module)) @import
  (#any-of? @_use "use" "import" "require" "alias"))
((call
  target: (identifier) @_use
  (arguments
    (alias) @module
    (keywords (pair key: (keyword) @_as value: (alias) @alias)))) @import
  (#eq? @_use "alias"))
((call
  target: (identifier) @_use
  (arguments (dot left: (alias) @module right: (tuple (alias) @member)))) @import
  (#any-of? @_use "alias" "import" "require"))

((call target: (identifier) @reference.call)
  (#not-match? @reference.call "^(def.*|use|import|alias|require|doc|moduledoc|spec|type)$"))
(call target: (dot right: (identifier) @reference.call))
(call target: (dot left: (alias) @reference.type))
