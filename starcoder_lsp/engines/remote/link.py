"""The link to a server: connects, notices trouble, and connects again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from pathlib import Path

from starcoder_lsp.engines import EngineState, Phase, raise_if_failed
from starcoder_lsp.engines.remote import affinity
from starcoder_lsp.engines.remote.dialect import dialects
from starcoder_lsp.engines.remote.pace import Pace
from starcoder_lsp.engines.remote.probe import Found, probe
from starcoder_lsp.engines.remote.requests import Requests
from starcoder_lsp.engines.remote.server import RemoteServer
from starcoder_lsp.engines.remote.transport.connection import Connection
from starcoder_lsp.engines.remote.transport.keys import key_of
from starcoder_lsp.engines.remote.trouble import Course, Trouble
from starcoder_lsp.errors import EngineCrashed, EngineError, EngineFailed

logger = logging.getLogger(__name__)

# Waits between probes: a server that starts, and one that a person has to look at.
FIRST_WAIT_S, LONGEST_WAIT_S, SELDOM_S = 1.0, 30.0, 60.0
# Clients that have lost a server come back at different moments.
SPREAD = 0.25
# A command waits for these, as an editor waits for everything.
WORTH_WAITING = frozenset(("loading", "overloaded"))
CLOSED = "the engine was closed"
READY = "ready"


class Link:
    """The state of an engine, and the connections to its server.

    `on_found` is called each time a server was found: it may be another than before. The
    other arguments are those of `RemoteEngine`.
    """

    def __init__(
        self,
        server: RemoteServer,
        controls: Collection[str],
        *,
        n_context: int,
        n_reserved: int,
        workspace: Path | None,
        on_state: Callable[[EngineState], None],
        on_found: Callable[[], None],
        gives_up: bool,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.server = server
        self.dialect = dialects()[server.kind]
        self.pace = Pace()
        self.found = Found()
        self.state = EngineState(Phase.STARTING, "not started yet")
        self.connection = Connection(server, affinity.headers(workspace))
        self._controls = controls
        self._n_context = n_context
        self._n_reserved = n_reserved
        self._on_state = on_state
        self._on_found = on_found
        self._gives_up = gives_up
        self._sleep = sleep
        self._usual_wait_s = FIRST_WAIT_S
        self._changed = asyncio.Event()
        self._connecting: asyncio.Task[None] | None = None
        self._requests: Requests | None = None

    @property
    def requests(self) -> Requests:
        """Builds requests for the server as it was last found."""
        assert self._requests is not None
        return self._requests

    def start(self) -> None:
        if self.state.phase is Phase.STARTING and self._connecting is None:
            message = f"connecting to {self.server.url}"
            self._set_state(EngineState(Phase.STARTING, message))
            self._connecting = asyncio.create_task(self._connect(None))

    async def change(self) -> None:
        """Wait until the state changes. Raises EngineFailed when it never will."""
        raise_if_failed(self.state)
        self._changed.clear()
        await self._changed.wait()

    async def close(self) -> None:
        self.state = EngineState(Phase.FAILED, CLOSED)
        self._changed.set()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        await self.connection.close()

    def suffer(self, trouble: Trouble) -> EngineError:
        """Do what a trouble asks for, and return the error for the request that met it."""
        message = trouble.message(self.server, self.dialect)
        if self.state.phase is not Phase.READY:
            return EngineCrashed(message)
        logger.warning("%s: %s", self.server.name, message)
        if trouble.course is Course.GO_ON:
            self._set_state(replace(self.state, message=message))
        elif trouble.course is Course.GIVE_UP:
            self._set_state(EngineState(Phase.FAILED, message))
            return EngineFailed(message)
        else:
            # Set at once, so that the next request is not sent.
            self._set_state(EngineState(Phase.RESTARTING, message))
            self._connecting = asyncio.create_task(self._connect(trouble))
        return EngineCrashed(message)

    def recover(self) -> None:
        """A request has succeeded: whatever went wrong before is over."""
        self._usual_wait_s = FIRST_WAIT_S
        if self.state.phase is Phase.READY and self.state.message != READY:
            self._set_state(replace(self.state, message=READY))

    async def _connect(self, trouble: Trouble | None) -> None:
        """Try until the server is ready; `trouble` is why it was left."""
        while True:
            if trouble is not None:
                wait_s = _wait_s(trouble, self._usual_wait_s)
                if not self._goes_on(trouble, wait_s):
                    return
                await self._sleep(wait_s)
                self._usual_wait_s = min(self._usual_wait_s * 2, LONGEST_WAIT_S)
            try:
                # A server that has too much to do is not asked everything again.
                if (
                    trouble is None
                    or trouble.kind != "overloaded"
                    or not self._requests
                ):
                    await self._find()
                return self._become_ready()
            except Trouble as exc:
                trouble = exc
            except Exception as exc:
                # A server may answer anything, and the user has to learn that it does.
                logger.debug("%s: the probe failed", self.server.name, exc_info=exc)
                trouble = Trouble("wrong dialect", f": {type(exc).__name__} in a probe")

    async def _find(self) -> None:
        """Find out what the server is and can do. Raises Trouble."""
        await self.connection.open(await key_of(self.server))
        self.found = await probe(
            self.connection, self.server, self.dialect, self._controls, self.pace
        )
        self._requests = Requests(
            self.server,
            self.dialect,
            self._controls,
            self.found,
            n_context=self.found.n_context or self._n_context,
            n_reserved=self._n_reserved,
        )
        self._on_found()

    def _become_ready(self) -> None:
        if self.state.phase is Phase.RESTARTING:
            self._set_state(EngineState(Phase.LOADING, "the server answers again"))
        n_tokens = self.requests.n_prompt_tokens
        self._set_state(EngineState(Phase.READY, READY, 1.0, n_tokens))

    def _goes_on(self, trouble: Trouble, wait_s: float) -> bool:
        """Show what keeps the engine from being ready; False when it gives up."""
        message = trouble.message(self.server, self.dialect)
        is_hopeless = self._gives_up and trouble.kind not in WORTH_WAITING
        if trouble.course is Course.GIVE_UP or is_hopeless:
            self._set_state(EngineState(Phase.FAILED, message))
            return False
        logger.warning("%s: %s", self.server.name, message)
        was_ready = self.state.phase is Phase.RESTARTING
        is_loading = trouble.kind == "loading" and not was_ready
        phase = Phase.LOADING if is_loading else Phase.RESTARTING
        self._set_state(EngineState(phase, f"{message}; next try in {wait_s:.0f} s"))
        return True

    def _set_state(self, state: EngineState) -> None:
        if state != self.state:
            self.state = state
            self._changed.set()
            self._on_state(state)


def _wait_s(trouble: Trouble, usual_s: float) -> float:
    """Return the seconds until the next probe: what the server asks for, or longer."""
    if trouble.course is Course.PROBE_SELDOM:
        usual_s = SELDOM_S
    usual_s *= 1 + SPREAD * random.random()  # no secret
    return max(trouble.retry_after_s or 0.0, usual_s)
