"""The process that owns llama.cpp: frames in, pieces out, stopped at any moment.

It ends the hard way: freeing a model during a decode is a segmentation fault.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama import messages
from starcoder_lsp.engines.llama.machine import gguf, resources
from starcoder_lsp.engines.llama.process.inbox import END_PATIENCE_S, Inbox, Peer
from starcoder_lsp.errors import EngineError, NoNumbers, StarcoderError
from starcoder_lsp.flow import Limits, Piece, Usage
from starcoder_lsp.runtime import frames, log, parent_watch
from starcoder_lsp.runtime.frames import Frame

if TYPE_CHECKING:  # it loads native code
    from starcoder_lsp.engines.llama.decode.session import Session
    from starcoder_lsp.engines.llama.process.persistence import Keeper

# By its own name, also as the program that it is.
logger = logging.getLogger("starcoder_lsp.engines.llama.process.host")

Stopped = Callable[[], bool]

# The next key of somebody who types shall not have to wait until a measurement stops.
REST_S = 0.5


class Host:
    """Loads what the first client asks for, and works for all of them in turn."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._keeper: Keeper | None = None
        self._path = ""
        # What a client hears in answer to its `load`.
        self._greeting: list[Frame] = []
        self._told_speed: Speed | None = None

    def serve(self) -> None:
        """Work until the last client has left."""
        while (wanted := self._inbox.next()) is not None:
            peer, frame = wanted
            if frame["op"] == "load":
                self._greet(peer, frame)
            else:
                self._answer(peer, frame)
            if self._keeper is not None:
                self._use_pause(self._keeper)
        if self._keeper is not None:
            self._keeper.save()

    def _greet(self, peer: Peer, frame: Frame) -> None:
        if not self._greeting:
            try:
                self._load(messages.load_from(frame))
            except StarcoderError as exc:
                self._fail(str(exc))
            except ImportError as exc:
                self._fail(f"llama.cpp does not load: {exc}")
            except (OSError, MemoryError) as exc:
                self._fail(f"{type(exc).__name__}: {exc}")
        for greeting in self._greeting:
            peer.send(greeting)

    def _fail(self, message: str) -> None:
        self._greeting = [messages.failed_frame(message)]
        # There is nothing here that somebody might come back for.
        self._inbox.grace_s = 0
        self._inbox.patience_s = END_PATIENCE_S

    def _load(self, load: messages.Load) -> None:
        self._path = load.path
        header = gguf.read_header(Path(load.path))

        # Imported late: the header is checked before native code is even loaded.
        from starcoder_lsp.engines.llama.native import library
        from starcoder_lsp.engines.llama.process import loading
        from starcoder_lsp.engines.llama.process.persistence import Keeper

        session, plan = loading.open_session(load, header, self._report_progress())
        build = library.build_description()
        self._keeper = Keeper(session, load, plan, build)
        self._inbox.patience_s = END_PATIENCE_S
        self._greeting = [messages.ready_frame(messages.Loaded(build, **asdict(plan)))]

    def _report_progress(self) -> resources.Progress:
        last = -1

        def report(share: float) -> None:
            nonlocal last
            percent = int(share * 100)
            if percent >= last + 5:
                last = percent
                self._inbox.tell_all({"op": "loading", "share": share})

        return report

    def _use_pause(self, keeper: Keeper) -> None:
        """What is done while nothing is wanted."""
        if self._inbox.rests(REST_S):
            keeper.measure(self._inbox.has_more)
        speed = keeper.session.speed
        if speed is not None and speed != self._told_speed:
            self._told_speed = speed
            self._greeting = [self._greeting[0], messages.speed_frame(speed)]
            self._inbox.tell_all(self._greeting[1])

    def _answer(self, peer: Peer, frame: Frame) -> None:
        request_id = frame["id"]
        if peer.is_cancelled(request_id):
            # Not even begun: its prompt would only push the last one out of the cache.
            usage = Usage(finish_reason="cancelled")
            peer.send(messages.piece_frame(request_id, Piece("", usage)))
            return
        try:
            if self._keeper is None:
                raise EngineError("no model is loaded")
            request = messages.request_from(frame)
            is_cancelled = self._stops(peer, request_id, request.limits)
            if request.verb == "generate":
                for piece in self._generate(self._keeper, request, is_cancelled):
                    peer.send(messages.piece_frame(request_id, piece))
            else:
                rows = _rows(self._keeper.session, request, is_cancelled)
                peer.send(messages.answer_frame(request_id, request.verb, rows))
        except NoNumbers as exc:
            message = f"{self._path} {exc}"
            peer.send(messages.error_frame(request_id, message, is_lasting=True))
        except (StarcoderError, RuntimeError, AttributeError) as exc:
            logger.error("request %s: %s", request_id, exc)
            peer.send(messages.error_frame(request_id, str(exc)))

    def _stops(self, peer: Peer, request_id: int, limits: Limits) -> Stopped:
        def stops() -> bool:
            self._inbox.comfort(peer)
            is_pushed_aside = limits.yields and self._inbox.has_more()
            return is_pushed_aside or peer.is_cancelled(request_id)

        return stops

    def _generate(
        self, keeper: Keeper, request: messages.Request, is_cancelled: Stopped
    ) -> Iterator[Piece]:
        usage = Usage()
        for piece in keeper.session.generate(
            request.prompt, request.limits, is_cancelled
        ):
            usage = piece.usage
            yield piece
        if usage.finish_reason == "cancelled":
            logger.info(
                "cancelled, %d tokens evaluated, %d generated",
                usage.evaluated_tokens,
                usage.generated_tokens,
            )
        keeper.learn(usage)
        if request.limits.reads_on:
            keeper.session.read_on(self._inbox.has_more)


def _rows(
    session: Session, request: messages.Request, is_cancelled: Stopped
) -> Sequence[object]:
    if request.verb == "candidates":
        return session.candidates(
            request.prompt, request.limits, request.n_wanted, is_cancelled
        )
    if request.verb == "score":
        return session.score(
            request.prompt, request.texts, request.limits, is_cancelled
        )
    return session.count_tokens(request.texts, is_cancelled)


def main() -> None:
    parent_watch.end_soon_after_parent()
    out = frames.claim_stdout()
    resources.wait_politely()
    log.set_up(sys.argv[1] if len(sys.argv) > 1 else "warning")
    inbox = Inbox()
    inbox.add(Peer(sys.stdin.buffer, out))
    Host(inbox).serve()
    os._exit(0)


if __name__ == "__main__":
    main()
