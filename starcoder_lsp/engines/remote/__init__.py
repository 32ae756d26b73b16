"""Generates text on a server of the user's: llama-server, vLLM and others, over HTTP.

`client.py` is the engine. `dialects.toml` has a row for each kind of server, and nothing
else names one.
"""

from typing import Final

# The name of the engine on this machine; no server may have it.
LOCAL: Final = "local"
