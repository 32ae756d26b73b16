"""Who wants something of this process, in turn, and what nobody wants any more.

The main thread works; each client has a thread that reads, so that a cancel or a
client's end is seen while llama.cpp computes.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import BinaryIO

from starcoder_lsp.runtime import frames
from starcoder_lsp.runtime.frames import Frame

# How long the main thread may take to end well, with its caches saved.
END_PATIENCE_S = 5.0
COMFORT_S = 1.0


class Peer:
    """One client: its requests in order, and where its answers go."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader = reader
        self._writer = writer
        self._cancelled: set[int] = set()
        self.requests: deque[Frame] = deque()
        self.is_gone = False

    def send(self, frame: Frame) -> None:
        if self.is_gone:
            return
        try:
            self._writer.write(frames.encode(frame))
            self._writer.flush()
        except (OSError, ValueError):
            self.is_gone = True

    def is_cancelled(self, request_id: int) -> bool:
        return self.is_gone or request_id in self._cancelled

    def cancel(self, request_id: int) -> None:
        # Requests are answered in order: older ones are long forgotten.
        self._cancelled = {request_id, *sorted(self._cancelled)[-99:]}

    def read(self, max_bytes: int = frames.MAX_FRAME_BYTES) -> Frame | None:
        try:
            return frames.read(self._reader, max_bytes)
        except (OSError, ValueError, frames.BadFrame):
            return None

    def close(self) -> None:
        self.is_gone = True
        for stream in (self._reader, self._writer):
            try:
                stream.close()
            except OSError:
                continue


class Inbox:
    """Requests of every client, each client in turn.

    Ends `grace_s` after the last one left: `next` answers None, and a main thread
    that does not come back to hear it is ended.
    """

    def __init__(self, grace_s: float = 0.0) -> None:
        self.grace_s = grace_s
        self.patience_s = 0.0
        self._peers: list[Peer] = []
        self._changed = threading.Condition()
        self._is_over = False
        self._comforted_at = 0.0

    @property
    def is_over(self) -> bool:
        return self._is_over

    def add(self, peer: Peer, welcome: Frame | None = None) -> None:
        """Serve a client, unless it is too late: then it is sent away unheard."""
        with self._changed:
            if self._is_over:
                peer.close()
                return
            if welcome is not None:
                peer.send(welcome)
            self._peers.append(peer)
            self._changed.notify_all()
        threading.Thread(target=self._read, args=(peer,), daemon=True).start()

    def expect_somebody(self, grace_s: float) -> None:
        """End when nobody comes at all."""
        threading.Thread(
            target=self._end_when_alone, args=(grace_s,), daemon=True
        ).start()

    def next(self) -> tuple[Peer, Frame] | None:
        with self._changed:
            self._changed.wait_for(self.has_more)
            if self._is_over:
                return None
            peer = next(peer for peer in self._peers if peer.requests)
            self._peers.remove(peer)
            self._peers.append(peer)
            return peer, peer.requests.popleft()

    def rests(self, seconds: float) -> bool:
        """Whether nobody wants anything for so long."""
        with self._changed:
            return not self._changed.wait_for(self.has_more, seconds)

    def has_more(self) -> bool:
        return self._is_over or any(peer.requests for peer in tuple(self._peers))

    def tell_all(self, frame: Frame) -> None:
        for peer in tuple(self._peers):
            peer.send(frame)

    def comfort(self, served: Peer) -> None:
        """Let those who wait for `served` hear that we live, now and then."""
        if len(self._peers) < 2 or time.monotonic() < self._comforted_at + COMFORT_S:
            return
        self._comforted_at = time.monotonic()
        for peer in tuple(self._peers):
            if peer is not served and peer.requests:
                peer.send({"op": "waiting"})

    def _read(self, peer: Peer) -> None:
        while (frame := peer.read()) is not None:
            if frame.get("op") == "cancel":
                peer.cancel(int(frame["id"]))
                continue
            with self._changed:
                peer.requests.append(frame)
                self._changed.notify_all()
        self._leave(peer)

    def _leave(self, peer: Peer) -> None:
        peer.close()
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
        os._exit(0)
