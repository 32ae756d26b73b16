"""Reads the events of one answer as pieces of text, with their cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from starcoder_lsp.engines.remote.dialect import FINISHED, Dialect, found
from starcoder_lsp.engines.remote.pace import Measured
from starcoder_lsp.engines.remote.stops import StopFilter
from starcoder_lsp.engines.remote.trouble import Trouble, of_event
from starcoder_lsp.flow import FinishReason, Piece, Usage

NOT_FINISHED = ("", "none", "null")


class AnswerReader:
    """One answer, and its `usage` so far. `n_new` of `n_prompt` tokens are probably new.

    `elapsed_ms` is the time since the request was made, of which an answer needs
    `latency_ms` for its way. The answer ends at one of
    `stop_ids`, or where one of the `stops` stands in the text.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        n_prompt: int,
        n_new: int,
        stops: Collection[str],
        stop_ids: Collection[int],
        elapsed_ms: Callable[[], float],
        latency_ms: float = 0.0,
    ) -> None:
        self._paths = dialect.event
        self._text_is_whole = dialect.text_is_whole
        self._stops = StopFilter(stops)
        self._stop_ids = frozenset(stop_ids)
        self._elapsed_ms = elapsed_ms
        self._latency_ms = latency_ms
        self._whole = ""
        self._n_events = 0
        self._read_ms: float | None = None
        self._written_ms: float | None = None
        self._last_text: str | None = None
        self._reason: FinishReason = "stop"
        # True if the server has ended the answer, and not we.
        self.is_told = False
        self.usage = Usage(n_prompt, n_new)

    @property
    def is_over(self) -> bool:
        return self._last_text is not None

    def read(self, event: Any) -> Iterator[Piece]:
        """Yield the text of an event, unless it ends the answer; see `last`.

        Raises Trouble for an event that tells of one, or that is of another dialect.
        """
        if trouble := of_event(event):
            raise trouble
        text = self._text_in(event)
        reason = found(event, self._paths["finish"])
        tells_cost = isinstance(event, Mapping) and "usage" in event
        if text is None and reason is None and not tells_cost:
            raise Trouble("wrong dialect", ": its answers have another form")
        is_stopped = self._is_stopped(event)
        new = self._stops.feed(text) if text and not is_stopped else ""
        self._count(event, is_token=bool(text))
        is_told = isinstance(reason, str) and reason not in NOT_FINISHED
        if is_stopped or self._stops.is_over:
            self._last_text, self._reason = new, "stop"
        elif is_told:
            self._last_text = new + self._stops.end()
            self._reason = FINISHED.get(reason, "stop")
        elif new:
            yield Piece(new, self.usage)
        self.is_told = is_told

    def read_cost(self, event: Any) -> None:
        """Read an event after the one that ended the answer."""
        self._count(event, is_token=False)

    def last(self, reason: FinishReason | None = None) -> Piece:
        """Return the last piece; with a `reason` that of an answer which is not over."""
        text = self._stops.end() if self._last_text is None else self._last_text
        self.usage = replace(self.usage, finish_reason=reason or self._reason)
        return Piece(text, self.usage)

    @property
    def cost(self) -> Measured:
        """The cost of the answer so far, by the server's own clock where it tells."""
        usage = self.usage
        read_ms, written_ms = self._read_ms, self._written_ms
        if read_ms is None:
            read_ms = usage.first_token_ms - self._latency_ms
        if written_ms is None:
            written_ms = usage.total_ms - usage.first_token_ms
        n_read = usage.evaluated_tokens if usage.first_token_ms else 0
        return Measured(n_read, read_ms, usage.generated_tokens - 1, written_ms)

    def _text_in(self, event: Any) -> str | None:
        text = found(event, self._paths["text"])
        if text is not None and not isinstance(text, str):
            raise Trouble("wrong dialect", ": its answers have another form")
        if text is None or not self._text_is_whole:
            return text
        # Some servers of this dialect are set to send only what is new.
        new = text.removeprefix(self._whole)
        self._whole = text if text.startswith(self._whole) else self._whole + text
        return new

    def _is_stopped(self, event: Any) -> bool:
        if found(event, self._paths.get("special", "")) is True:
            return True
        ids = found(event, self._paths.get("ids", ""))
        given = ids if isinstance(ids, list) else [ids]
        return any(type(one) is int and one in self._stop_ids for one in given)

    def _count(self, event: Any, *, is_token: bool) -> None:
        self._n_events += is_token
        now_ms = self._elapsed_ms()
        n_prompt = self._number(event, "prompt_tokens") or self.usage.prompt_tokens
        n_cached = self._number(event, "cached_tokens")
        n_new = self._number(event, "evaluated_tokens")
        if n_new is None and n_cached is not None:
            n_new = max(n_prompt - n_cached, 0)
        n_written = self._number(event, "generated_tokens")
        self._read_ms = _or(self._number(event, "prompt_ms"), self._read_ms)
        self._written_ms = _or(self._number(event, "predicted_ms"), self._written_ms)
        self.usage = replace(
            self.usage,
            prompt_tokens=int(n_prompt),
            evaluated_tokens=int(_or(n_new, self.usage.evaluated_tokens) or 0),
            generated_tokens=int(_or(n_written, self._n_events) or 0),
            first_token_ms=self.usage.first_token_ms or now_ms,
            total_ms=now_ms,
        )

    def _number(self, event: Any, name: str) -> float | None:
        value = found(event, self._paths.get(name, ""))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if is_number and 0 <= value < 1e12 else None


def _or(value: float | None, otherwise: float | None) -> float | None:
    return otherwise if value is None else value
