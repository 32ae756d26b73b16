"""Generates text on a server of the user's: llama-server, vLLM and others, over HTTP.

`client.py` is the engine. `dialects.toml` has a row for each kind of server, and nothing
else names one.
"""
