(let_expression
  (binding_set (binding attrpath: (_) @name expression: (function_expression) @body)
    @definition.function))
(let_expression (binding_set (binding attrpath: (_) @name) @definition.variable))
(attrset_expression (binding_set (binding attrpath: (_) @name) @definition.field))
