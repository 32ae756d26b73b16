(Decl (VarDecl variable_type_function: (IDENTIFIER) @name)) @definition.variable
(Decl (FnProto function: (IDENTIFIER) @name) (Block)? @body) @definition.function
(TestDecl (STRINGLITERALSINGLE) @name (Block) @body) @definition.function
