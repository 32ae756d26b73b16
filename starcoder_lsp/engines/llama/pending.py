"""The requests that the engine's process has not answered yet."""

from __future__ import annotations

import asyncio
import itertools

from starcoder_lsp.engines.llama.messages import AnswerRows
from starcoder_lsp.errors import EngineError
from starcoder_lsp.flow import Piece
from starcoder_lsp.runtime.watchdog import Watchdog

# The engine is taken to hang when it is silent for so much longer than a request's own
# time budget. It answers a cancelled request within this time, too.
HANG_GRACE_S = 10.0

Outcome = Piece | AnswerRows | EngineError


class PendingRequests:
    """Hands what the process says to the request it belongs to.

    A request that was cancelled stays pending until the process has answered it, so
    that a hang shows while the user types on and each key cancels the last request.
    """

    def __init__(self, watchdog: Watchdog) -> None:
        self._watchdog = watchdog
        self._ids = itertools.count(1)
        self._outcomes: dict[int, asyncio.Queue[Outcome]] = {}

    def open(self, time_budget_ms: int) -> tuple[int, asyncio.Queue[Outcome]]:
        """The id of a new request, and the queue that its outcomes arrive in."""
        request_id = next(self._ids)
        outcomes = self._outcomes[request_id] = asyncio.Queue()
        self._watchdog.expect(request_id, time_budget_ms / 1000 + HANG_GRACE_S)
        return request_id, outcomes

    def cancel(self, request_id: int) -> None:
        """Deliver nothing more, but still expect the last outcome."""
        if self._outcomes.pop(request_id, None) is not None:
            self._watchdog.expect(request_id, HANG_GRACE_S)

    def deliver(self, request_id: int, outcome: Outcome) -> None:
        if is_last(outcome):
            self._watchdog.settle(request_id)
        if (outcomes := self._outcomes.get(request_id)) is not None:
            outcomes.put_nowait(outcome)
            if is_last(outcome):
                del self._outcomes[request_id]

    def fail(self, error: EngineError) -> None:
        """End all requests with `error`: the process is gone."""
        for outcomes in self._outcomes.values():
            outcomes.put_nowait(error)
        self._outcomes.clear()


def is_last(outcome: Outcome) -> bool:
    return not isinstance(outcome, Piece) or outcome.usage.finish_reason is not None
