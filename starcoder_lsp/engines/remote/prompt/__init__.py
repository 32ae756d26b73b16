"""The prompt in the form that a server takes: exact token ids, or text."""
