((list_lit . (sym_lit) @_def . (sym_lit) @name) @definition.function
  (#match? @_def "^(defn-?|defmulti|defmethod)$"))
((list_lit . (sym_lit) @_def . (sym_lit) @name) @definition.variable
  (#match? @_def "^(def|defonce)$"))
((list_lit . (sym_lit) @_def . (sym_lit) @name) @definition.macro
  (#eq? @_def "defmacro"))
((list_lit . (sym_lit) @_def . (sym_lit) @name) @definition.interface
  (#eq? @_def "defprotocol"))
((list_lit . (sym_lit) @_def . (sym_lit) @name) @definition.class
  (#match? @_def "^(defrecord|deftype)$"))
((list_lit . (sym_lit) @_ns . (sym_lit) @name) @package
  (#eq? @_ns "ns"))
