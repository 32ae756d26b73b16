"""The shared engine's process: lets clients in, and ends when the last one has left."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from starcoder_lsp.engines.llama.machine import hardware
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.engines.llama.process.door import Door
from starcoder_lsp.engines.llama.process.host import Host
from starcoder_lsp.engines.llama.process.inbox import Inbox
from starcoder_lsp.engines.llama.rendezvous import Rendezvous
from starcoder_lsp.runtime import log

# The client that started the engine connects at once; after closing an editor the user
# may open another.
START_GRACE_S = 30.0
GRACE_S = 1.0


def main() -> None:
    if os.fork():
        os._exit(0)
    level, folder, name, listener = sys.argv[1:5]
    place = Rendezvous(Path(folder), name)
    place.sign()
    hardware.limit_spinning()
    log.set_up(level)
    inbox = Inbox(GRACE_S)
    Door(socket.socket(fileno=int(listener)), place, inbox).open()
    inbox.end_unless_joined(START_GRACE_S)

    def is_ours(load: Load) -> bool:
        return Rendezvous.of(load).name == name

    Host(inbox, is_ours).serve()
    place.clear()
    os._exit(0)


if __name__ == "__main__":
    main()
