((element (STag (Attribute (Name) @_id (AttValue) @name))) @definition.variable
  (#match? @_id "^(id|name)$"))
((element (EmptyElemTag (Attribute (Name) @_id (AttValue) @name))) @definition.variable
  (#match? @_id "^(id|name)$"))
(document (element (STag (Name) @name)) @definition.module)
