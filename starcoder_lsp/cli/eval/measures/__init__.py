"""Quality measured on data: one module per question."""
