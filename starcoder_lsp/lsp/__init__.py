"""The Language Server Protocol; nothing outside this folder knows of it."""
