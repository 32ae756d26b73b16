"""The shared engine's process: lets clients in, and ends when the last has left."""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
import threading
from pathlib import Path

from starcoder_lsp.engines.llama.machine import resources
from starcoder_lsp.engines.llama.process.host import Host
from starcoder_lsp.engines.llama.process.inbox import Inbox, Peer
from starcoder_lsp.engines.llama.rendezvous import Rendezvous, is_ours
from starcoder_lsp.runtime import log

# By its own name, also as the program that it is.
logger = logging.getLogger("starcoder_lsp.engines.llama.process.daemon")

# Who started us comes at once; who closes an editor may open another.
START_GRACE_S = 30.0
GRACE_S = 1.0
HELLO_PATIENCE_S = 5.0
MAX_HELLO_BYTES = 1000
# A client that does not read must not stop the others.
SEND_PATIENCE = struct.pack("ll", 5, 0)


class Door:
    """Admits clients that know the token."""

    def __init__(
        self, listener: socket.socket, place: Rendezvous, inbox: Inbox
    ) -> None:
        self._listener = listener
        self._place = place
        self._inbox = inbox

    def open(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(
                target=self._admit, args=(connection,), daemon=True
            ).start()

    def _admit(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(HELLO_PATIENCE_S)
            peer = Peer(connection.makefile("rb"), connection.makefile("wb"))
            try:
                hello = peer.read(MAX_HELLO_BYTES)
                is_known = is_ours(connection) and self._place.knows(
                    hello and hello.get("token")
                )
            except OSError:
                is_known = False
            if self._inbox.is_over:
                # It asks again, and finds the next engine.
                peer.close()
                return
            if not is_known:
                logger.warning("a client without the token was refused")
                peer.send({"op": "refused"})
                peer.close()
                return
            connection.settimeout(None)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, SEND_PATIENCE)
            self._inbox.add(peer, {"op": "welcome", "pid": os.getpid()})


def main() -> None:
    if os.fork():
        os._exit(0)
    level, folder, name, listener = sys.argv[1:5]
    place = Rendezvous(Path(folder), name)
    resources.wait_politely()
    log.set_up(level)
    inbox = Inbox(GRACE_S)
    Door(socket.socket(fileno=int(listener)), place, inbox).open()
    inbox.expect_somebody(START_GRACE_S)
    Host(inbox).serve()
    place.clear()
    os._exit(0)


if __name__ == "__main__":
    main()
