"""llama.cpp in a child process: `client` is our side, `host` the child's."""
