"""Makes one completion: builds a prompt, asks the engine, and applies rules to its text."""
