"""Collects the requests of all clients, and notes which of them were cancelled.

The main thread works; each client has a thread that reads, so that a cancel or the end
of a client is seen while llama.cpp computes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from starcoder_lsp.engines.llama import messages
from starcoder_lsp.engines.llama.messages import Asked, Cancelled, Load
from starcoder_lsp.engines.llama.process.incoming import Message, message_from
from starcoder_lsp.runtime import frames, log, parent_watch
from starcoder_lsp.runtime.frames import Frame

logger = logging.getLogger(__name__)

# How long the main thread may take to end well, with its KV cache saved.
END_PATIENCE_S = parent_watch.SAVE_S
# How often those who wait for another client hear that the process is alive.
WAITING_S = 1.0
# More than an editor ever has: a client that sends more is refused these requests.
MAX_PENDING = 100
MAX_REQUEST_BYTES = 16 << 20
MAX_CLIENTS = 64
# Of each client; requests are answered in order, so older ones are done.
MAX_CANCELLED = 100


class Peer:
    """One client: its requests in order, and where its answers go.

    `hang_up` ends the connection, so that the thread that reads it ends, too.
    """

    def __init__(
        self,
        reader: BinaryIO,
        writer: BinaryIO,
        hang_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._hang_up = hang_up
        self._writing = threading.Lock()
        self._cancelled: set[int] = set()
        self.requests: deque[Load | Asked] = deque()
        self.is_gone = False

    def send(self, frame: Frame) -> None:
        """Send unless the client is gone; one that does not read counts as gone."""
        with self._writing:
            if self.is_gone:
                return
            try:
                self._writer.write(frames.encode(frame))
                self._writer.flush()
            except (OSError, ValueError):
                self.close()

    def receive(self) -> Message | None:
        """Wait for the next message; None at the end.

        Raises BadFrame when the client sends something else.
        """
        try:
            frame = frames.read(self._reader, MAX_REQUEST_BYTES)
        except (OSError, ValueError):
            return None
        return None if frame is None else message_from(frame)

    def is_cancelled(self, request_id: int) -> bool:
        return self.is_gone or request_id in self._cancelled

    def cancel(self, request_id: int) -> None:
        kept = sorted(self._cancelled)[1 - MAX_CANCELLED :]
        self._cancelled = {request_id, *kept}

    def close(self) -> None:
        """Forget the client; may be called by any thread, and twice."""
        self.is_gone = True
        self.requests.clear()
        self._hang_up()

    def release(self) -> None:
        """Close the client's streams, too; only by the thread that reads them."""
        self.close()
        with self._writing:
            for stream in (self._reader, self._writer):
                with contextlib.suppress(OSError):
                    stream.close()


class Inbox:
    """Takes requests from every client and hands them out, each client in turn.

    It ends `grace_s` seconds after the last client has left: `next` returns None, and
    the process is ended if the main thread does not return within `patience_s`.
    """

    def __init__(self, grace_s: float = 0.0) -> None:
        self.grace_s = grace_s
        self.patience_s = 0.0
        self._peers: list[Peer] = []
        self._changed = threading.Condition()
        self._is_over = False
        self._told_at = 0.0

    @property
    def is_over(self) -> bool:
        return self._is_over

    @property
    def is_full(self) -> bool:
        return len(self._peers) >= MAX_CLIENTS

    def add(self, peer: Peer, welcome: Frame | None = None) -> None:
        """Serve a client; when it is too late, hang up without a word.

        Raises RuntimeError when no thread can be started to read from it.
        """
        with self._changed:
            if self._is_over:
                peer.release()
                return
            threading.Thread(target=self._read, args=(peer,), daemon=True).start()
            if welcome is not None:
                peer.send(welcome)
            self._peers.append(peer)
            self._changed.notify_all()

    def end_unless_joined(self, grace_s: float) -> None:
        """End when no client comes within `grace_s` seconds."""
        threading.Thread(
            target=self._end_when_alone, args=(grace_s,), daemon=True
        ).start()

    def next(self) -> tuple[Peer, Load | Asked] | None:
        """Wait for a request; None when the last client has left."""
        with self._changed:
            while True:
                self._changed.wait_for(self.has_more)
                if self._is_over:
                    return None
                for peer in self._peers:
                    # A client that leaves meanwhile loses its requests.
                    with contextlib.suppress(IndexError):
                        request = peer.requests.popleft()
                        self._peers.remove(peer)
                        self._peers.append(peer)
                        return peer, request

    def rests(self, seconds: float) -> bool:
        """Wait for `seconds`; False as soon as there is a request."""
        with self._changed:
            return not self._changed.wait_for(self.has_more, seconds)

    def has_more(self) -> bool:
        return self._is_over or any(peer.requests for peer in tuple(self._peers))

    def tell_all(self, frame: Frame) -> None:
        for peer in tuple(self._peers):
            peer.send(frame)

    def tell_waiting(self, served: Peer) -> None:
        """Tell those who wait for `served`, now and then, that the process is alive."""
        if len(self._peers) < 2 or time.monotonic() < self._told_at + WAITING_S:
            return
        self._told_at = time.monotonic()
        for peer in tuple(self._peers):
            if peer is not served and peer.requests:
                peer.send(messages.waiting_frame())

    def _read(self, peer: Peer) -> None:
        try:
            while (message := peer.receive()) is not None:
                self._take(peer, message)
        except frames.BadFrame as exc:
            logger.warning("a client was sent away because of %s", exc)
        finally:
            self._leave(peer)

    def _take(self, peer: Peer, message: Message) -> None:
        if isinstance(message, Cancelled):
            peer.cancel(message.id)
        elif isinstance(message, log.LogTarget):
            log.follow(message)
        elif len(peer.requests) < MAX_PENDING:
            with self._changed:
                peer.requests.append(message)
                self._changed.notify_all()
        elif isinstance(message, Asked):
            text = f"more than {MAX_PENDING} requests at once"
            peer.send(messages.error_frame(message.id, text))

    def _leave(self, peer: Peer) -> None:
        peer.release()
        with self._changed:
            self._peers.remove(peer)
            self._changed.notify_all()
        self._end_when_alone(self.grace_s)

    def _end_when_alone(self, grace_s: float) -> None:
        with self._changed:
            if self._changed.wait_for(lambda: self._peers, grace_s):
                return
            self._is_over = True
            self._changed.notify_all()
        threading.Event().wait(self.patience_s)
        os._exit(1)  # the main thread did not end by itself
