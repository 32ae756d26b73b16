"""The process that owns llama.cpp: requests in, pieces out, stopped at any moment.

It ends with `os._exit`, because freeing a model during a decode is a segmentation fault.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama import messages
from starcoder_lsp.engines.llama.machine import gguf, hardware
from starcoder_lsp.engines.llama.messages import Asked, EngineRequest, Load
from starcoder_lsp.engines.llama.process.inbox import END_PATIENCE_S, Inbox, Peer
from starcoder_lsp.engines.llama.process.load_progress import LoadProgress
from starcoder_lsp.errors import EngineError, NoNumbers, StarcoderError
from starcoder_lsp.flow import Limits, Piece, Usage
from starcoder_lsp.runtime import frames, log, parent_watch, paths
from starcoder_lsp.runtime.frames import Frame

if TYPE_CHECKING:  # it loads native code
    from starcoder_lsp.engines.llama.decode.session import LlamaSession
    from starcoder_lsp.engines.llama.process.persistence import Persistence

# Named explicitly, because the module may run as a program.
logger = logging.getLogger("starcoder_lsp.engines.llama.process.host")

Stopped = Callable[[], bool]

# Measuring begins after such a pause, so that a user who types does not have to wait for
# a measurement to stop.
REST_S = 0.5


class Host:
    """Loads what the first client asks for, and works for all of them in turn.

    A client that asks for a model that `accepts` refuses is sent away. `on_saving` is
    called before the KV cache is saved.
    """

    def __init__(
        self,
        inbox: Inbox,
        accepts: Callable[[Load], bool] = lambda load: True,
        on_saving: Callable[[], None] = lambda: None,
    ) -> None:
        self._inbox = inbox
        self._accepts = accepts
        self._on_saving = on_saving
        self._persistence: Persistence | None = None
        self._path = ""
        # The answer to each client's `load`.
        self._greeting: list[Frame] = []
        self._told_speed: Speed | None = None

    def serve(self) -> None:
        """Work until the last client has left, then save the KV cache."""
        while (wanted := self._inbox.next()) is not None:
            peer, message = wanted
            if isinstance(message, Load):
                self._greet(peer, message)
            else:
                self._answer(peer, message)
            if self._persistence is not None:
                self._use_pause(self._persistence)
        if self._persistence is not None:
            self._on_saving()
            self._persistence.save()

    def _greet(self, peer: Peer, load: Load) -> None:
        if not self._accepts(load):
            logger.warning("a client was sent away: it wants another model")
            peer.close()
            return
        if not self._greeting:
            try:
                self._load(load)
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
        # No client comes back for a model that does not load.
        self._inbox.grace_s = 0
        self._inbox.patience_s = END_PATIENCE_S

    def _load(self, load: Load) -> None:
        self._path = load.path
        hardware.be_nice(load.niceness)

        def tell(share: float) -> None:
            self._inbox.tell_all(messages.loading_frame(share))

        with LoadProgress(tell) as progress:
            header = gguf.read_header(Path(load.path))

            # Imported late: the header is checked before native code is even loaded.
            from starcoder_lsp.engines.llama.native import library
            from starcoder_lsp.engines.llama.process import loading
            from starcoder_lsp.engines.llama.process.persistence import Persistence
            from starcoder_lsp.engines.llama.process.speeds import Speeds

            speeds = Speeds(paths.cache_dir() / "engine" / "speeds.json")
            session, plan = loading.open_session(load, header, progress.report, speeds)
            build = library.build_description()
            self._persistence = Persistence(session, load, plan, build, speeds)
        self._inbox.patience_s = END_PATIENCE_S
        self._greeting = [messages.ready_frame(messages.Loaded(build, **asdict(plan)))]
        self._note_speed(session.speed)

    def _use_pause(self, persistence: Persistence) -> None:
        """Measure the speed while there is no request, and tell a new one."""
        if self._inbox.rests(REST_S):
            persistence.measure(self._inbox.has_more)
        if self._note_speed(persistence.session.speed):
            self._inbox.tell_all(self._greeting[1])

    def _note_speed(self, speed: Speed | None) -> bool:
        """Tell a speed to all clients that come; False if it is known already."""
        if speed is None or speed == self._told_speed:
            return False
        self._told_speed = speed
        self._greeting = [self._greeting[0], messages.speed_frame(speed)]
        return True

    def _answer(self, peer: Peer, asked: Asked) -> None:
        if peer.is_cancelled(asked.id):
            # Its prompt would only push the last one out of the KV cache.
            usage = Usage(finish_reason="cancelled")
            peer.send(messages.piece_frame(asked.id, Piece("", usage)))
            return
        try:
            self._answer_in_full(peer, asked)
        except NoNumbers as exc:
            message = f"{self._path} {exc}"
            peer.send(messages.error_frame(asked.id, message, is_lasting=True))
        except (StarcoderError, RuntimeError) as exc:
            logger.error("request %s: %s", asked.id, exc)
            peer.send(messages.error_frame(asked.id, str(exc)))
        except Exception as exc:
            # A fault of ours costs this request only; no text of it may be logged.
            message = f"an error inside the engine ({type(exc).__name__})"
            logger.error("request %s: %s", asked.id, message)
            peer.send(messages.error_frame(asked.id, message))
            if self._persistence is not None:
                self._persistence.session.forget()

    def _answer_in_full(self, peer: Peer, asked: Asked) -> None:
        if self._persistence is None:
            raise EngineError("no model is loaded")
        request = asked.request
        is_cancelled = self._stops(peer, asked.id, request.limits)
        if request.verb == "generate":
            for piece in self._generate(self._persistence, request, is_cancelled):
                peer.send(messages.piece_frame(asked.id, piece))
        else:
            rows = _rows(self._persistence.session, request, is_cancelled)
            peer.send(messages.answer_frame(asked.id, request.verb, rows))

    def _stops(self, peer: Peer, request_id: int, limits: Limits) -> Stopped:
        def stops() -> bool:
            self._inbox.tell_waiting(peer)
            is_pushed_aside = limits.yields and self._inbox.has_more()
            return is_pushed_aside or peer.is_cancelled(request_id)

        return stops

    def _generate(
        self, persistence: Persistence, request: EngineRequest, is_cancelled: Stopped
    ) -> Iterator[Piece]:
        usage = Usage()
        for piece in persistence.session.generate(
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
        persistence.learn(usage)
        if request.limits.reads_on:
            persistence.session.read_on(self._inbox.has_more)


def _rows(
    session: LlamaSession, request: EngineRequest, is_cancelled: Stopped
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
    hardware.limit_spinning()
    log.set_up(sys.argv[1] if len(sys.argv) > 1 else "warning")
    # Stays open when the client's own streams are closed.
    last_words = os.dup(out.fileno())
    inbox = Inbox()
    inbox.add(Peer(sys.stdin.buffer, out))

    def say_saving() -> None:
        with contextlib.suppress(OSError):
            frame = messages.saving_frame(END_PATIENCE_S)
            os.write(last_words, frames.encode(frame))

    Host(inbox, on_saving=say_saving).serve()
    os._exit(0)


if __name__ == "__main__":
    main()
