"""The process that keeps the index true and answers questions from it."""
