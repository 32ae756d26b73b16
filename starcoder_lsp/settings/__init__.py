"""Options as written become settings, and settings become the objects they ask for."""
