"""The language server. Nothing outside this folder knows LSP."""
