"""The child process that owns llama.cpp: frames in, pieces out, stopped at any moment.

The main thread works, a second one reads, so that a cancel or the parent's end
is seen while llama.cpp computes. It ends the hard way: freeing a model during a
decode is a segmentation fault.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from starcoder_lsp import frames, log
from starcoder_lsp.engines.llama import gguf, machine, wire
from starcoder_lsp.errors import StarcoderError
from starcoder_lsp.flow import Piece, Usage
from starcoder_lsp.frames import Frame

logger = logging.getLogger(__name__)


class Inbox:
    """Requests in order, and which of them nobody wants any more."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._requests: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> Frame:
        return self._requests.get()

    def has_more(self) -> bool:
        return not self._requests.empty()

    def is_cancelled(self, request_id: int) -> bool:
        return request_id in self._cancelled

    def _read(self) -> None:
        while (frame := self._read_frame()) is not None:
            if frame["op"] == "cancel":
                # Requests are answered in order: older ones are long forgotten.
                self._cancelled = {frame["id"], *sorted(self._cancelled)[-99:]}
            else:
                self._requests.put(frame)
        os._exit(0)  # the parent is gone

    def _read_frame(self) -> Frame | None:
        try:
            return frames.read(self._stream)
        except (OSError, frames.BadFrame):
            return None


class Host:
    def __init__(self, inbox: Inbox, out: BinaryIO) -> None:
        self._inbox = inbox
        self._out = out

    def serve(self) -> None:
        try:
            self._load(wire.load_from(self._inbox.next()))
        except StarcoderError as exc:
            self._send({"op": "failed", "message": str(exc)})
        except ImportError as exc:
            self._send({"op": "failed", "message": f"llama.cpp does not load: {exc}"})
        except (OSError, MemoryError) as exc:
            self._send({"op": "failed", "message": f"{type(exc).__name__}: {exc}"})
        while True:
            self._answer(self._inbox.next())

    def _load(self, load: wire.Load) -> None:
        header = gguf.read_header(Path(load.path))

        # Imported late: the header is checked before native code is even loaded.
        from starcoder_lsp.engines.llama import library, loading

        self._session, plan = loading.open_session(
            load, header, self._report_progress()
        )
        build = library.build_description()
        self._send(wire.ready_frame(wire.Loaded(build, **asdict(plan))))

    def _report_progress(self) -> machine.Progress:
        last = -1

        def report(share: float) -> None:
            nonlocal last
            percent = int(share * 100)
            if percent >= last + 5:
                last = percent
                self._send({"op": "loading", "share": share})

        return report

    def _answer(self, frame: Frame) -> None:
        request_id = frame["id"]
        if self._inbox.is_cancelled(request_id):
            # Not even begun: its prompt would only push the last one out of the cache.
            usage = Usage(finish_reason="cancelled")
            self._send(wire.piece_frame(request_id, Piece("", usage)))
            return
        try:
            request = wire.request_from(frame)
            if request.verb == "generate":
                self._generate(request_id, request)
            else:
                rows = self._rows(request_id, request)
                self._send(wire.answer_frame(request_id, request.verb, rows))
        except (StarcoderError, RuntimeError, AttributeError) as exc:
            logger.error("request %s: %s", request_id, exc)
            self._send({"op": "error", "id": request_id, "message": str(exc)})

    def _generate(self, request_id: int, request: wire.Request) -> None:
        for piece in self._session.generate(
            request.prompt,
            request.limits,
            lambda: self._inbox.is_cancelled(request_id),
        ):
            self._send(wire.piece_frame(request_id, piece))
        if piece.usage.finish_reason == "time":
            self._session.finish_prefill(self._inbox.has_more)

    def _rows(self, request_id: int, request: wire.Request) -> Sequence[object]:
        session = self._session

        def is_cancelled() -> bool:
            return self._inbox.is_cancelled(request_id)

        if request.verb == "candidates":
            return session.candidates(
                request.prompt, request.limits, request.n_wanted, is_cancelled
            )
        if request.verb == "score":
            return session.score(
                request.prompt, request.texts, request.limits, is_cancelled
            )
        return session.count_tokens(request.texts)

    def _send(self, frame: Frame) -> None:
        try:
            self._out.write(frames.encode(frame))
            self._out.flush()
        except OSError:
            os._exit(0)  # the parent is gone


def main() -> None:
    out = frames.claim_stdout()
    machine.wait_politely()
    log.set_up(sys.argv[1] if len(sys.argv) > 1 else "warning")
    Host(Inbox(sys.stdin.buffer), out).serve()


if __name__ == "__main__":
    main()
