"""Makes a completion: builds a prompt, asks the engine, applies rules to its text."""
