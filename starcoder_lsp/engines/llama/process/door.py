"""Admits the clients of a shared engine and keeps strangers from disturbing them.

Until a connection has shown the token it is a guest. There are few guests at a time,
each for a short time and without a thread.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from starcoder_lsp.engines.llama.process.inbox import MAX_CLIENTS, Inbox, Peer
from starcoder_lsp.engines.llama.rendezvous import Rendezvous, is_ours, is_token
from starcoder_lsp.runtime import frames
from starcoder_lsp.runtime.frames import BadFrame, Frame

logger = logging.getLogger(__name__)

# A client of ours sends its hello as soon as it is connected. When more guests come, the
# oldest is sent away.
MAX_GUESTS = 16
HELLO_PATIENCE_S = 5.0
MAX_HELLO_BYTES = 1000
# After an error of `accept`, such as too many open files.
PAUSE_S = 0.1
# A client that does not read for so long (struct timeval) does not stop the others.
SEND_PATIENCE = struct.pack("ll", 0, 500_000)


@dataclass(eq=False)
class _Guest:
    """A connection that has not shown the token yet."""

    connection: socket.socket
    deadline: float
    received: bytearray = field(default_factory=bytearray)

    def hello(self) -> Frame | None:
        """Receive more; return the hello once it is complete.

        Nothing is received that follows the hello. Raises OSError or BadFrame.
        """
        received = self.connection.recv(self._n_missing())
        if not received:
            raise ConnectionResetError
        self.received += received
        return None if self._n_missing() else frames.decode(bytes(self.received[4:]))

    def _n_missing(self) -> int:
        """Count the bytes that are missing in the length, or after it."""
        if len(self.received) < 4:
            return 4 - len(self.received)
        length = int.from_bytes(self.received[:4], "big")
        if not 0 < length <= MAX_HELLO_BYTES:
            raise BadFrame(f"a hello of {length} bytes")
        return 4 + length - len(self.received)


class Door:
    """Accepts connections in a thread of its own and adds clients to the inbox."""

    def __init__(
        self, listener: socket.socket, place: Rendezvous, inbox: Inbox
    ) -> None:
        self._listener = listener
        self._inbox = inbox
        # Read once: it must be known also when no further file can be opened.
        self._token = place.token()
        self._guests: list[_Guest] = []
        self._selector = selectors.DefaultSelector()
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)

    def open(self) -> None:
        threading.Thread(target=self._keep_open, daemon=True).start()

    def _keep_open(self) -> None:
        while True:
            try:
                self.step()
            except (OSError, RuntimeError) as exc:
                # Too many open files, or too many threads: a guest less may help.
                logger.error("a client could not be accepted: %s", exc)
                if self._guests:
                    self._send_away(self._guests[0])
                time.sleep(PAUSE_S)

    def step(self) -> None:
        """Wait for something to happen at the door, and deal with it."""
        wait_s = None
        if self._guests:
            wait_s = max(self._guests[0].deadline - time.monotonic(), 0)
        for key, _ in self._selector.select(wait_s):
            if key.fileobj is self._listener:
                self._accept()
            else:
                self._hear(key.data)
        while self._guests and self._guests[0].deadline <= time.monotonic():
            self._send_away(self._guests[0])

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        if not is_ours(connection):
            connection.close()
            return
        connection.setblocking(False)
        guest = _Guest(connection, time.monotonic() + HELLO_PATIENCE_S)
        self._guests.append(guest)
        self._selector.register(connection, selectors.EVENT_READ, guest)
        if len(self._guests) > MAX_GUESTS:
            self._send_away(self._guests[0])

    def _hear(self, guest: _Guest) -> None:
        if guest not in self._guests:
            return  # sent away meanwhile
        try:
            hello = guest.hello()
        except BlockingIOError:
            return
        except (OSError, BadFrame):
            hello = {}
        if hello is not None:
            self._decide(guest, hello)

    def _decide(self, guest: _Guest, hello: Frame) -> None:
        if not is_token(hello.get("token"), self._token):
            # No warning: a stranger must not fill the log.
            logger.info("a client without the token was refused")
            self._send_away(guest, "it does not know the token")
        elif self._inbox.is_full:
            self._send_away(guest, f"{MAX_CLIENTS} editors use it already")
        else:
            self._forget(guest)
            admit(guest.connection, self._inbox)

    def _send_away(self, guest: _Guest, reason: str = "it took too long") -> None:
        self._forget(guest)
        refusal = frames.encode({"op": "refused", "reason": reason})
        with guest.connection:
            try:
                guest.connection.send(refusal)
            except OSError:
                return

    def _forget(self, guest: _Guest) -> None:
        self._guests.remove(guest)
        self._selector.unregister(guest.connection)


def admit(connection: socket.socket, inbox: Inbox) -> None:
    """Make a connection that has shown the token a client."""
    connection.setblocking(True)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, SEND_PATIENCE)

    def hang_up() -> None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    # The files keep the connection open until the last of them is gone.
    with connection:
        reader, writer = connection.makefile("rb"), connection.makefile("wb")
        peer = Peer(reader, writer, hang_up)
        inbox.add(peer, {"op": "welcome", "pid": os.getpid()})
