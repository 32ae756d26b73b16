"""The messages between a front and an engine's process, as frames.

The process checks each part of what it receives (`process/incoming.py`), because a
shared engine must not suffer from one bad client. A front checks only what it uses: its
supervisor starts a process again that sends a malformed frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from typing import Any

from starcoder_lsp.engines import Speed
from starcoder_lsp.errors import EngineCrashed, EngineError, EngineFailed
from starcoder_lsp.flow import (
    Candidate,
    Control,
    Group,
    Limits,
    Piece,
    Prompt,
    Score,
    Segment,
    Text,
    Usage,
)
from starcoder_lsp.runtime.frames import Frame


@dataclass(frozen=True)
class Load:
    """Which model to load, and what its family needs of it.

    `n_context` is how many tokens each slot should hold, `n_context_least` how many it
    has to hold; `n_reserved` of them are for answers. `controls` are control tokens that
    the vocabulary must have, `overrides` header entries to set. `heals` prepares for
    token healing. `n_gpu_layers` of None means as many as fit, -1 all; `n_threads` of 0
    means as many as are fastest. `kv_cache_bytes` is how large the KV cache may be that
    is saved for the next start. `niceness` is how much the process steps back for others.
    """

    path: str
    family: str
    n_context: int
    controls: tuple[str, ...] = ()
    overrides: Mapping[str, int] = field(default_factory=dict)
    heals: bool = False
    n_gpu_layers: int | None = 0
    n_threads: int = 0
    n_context_least: int = 256
    kv_type: str = "auto"
    kv_cache_bytes: int = 0
    n_reserved: int = 0
    niceness: int = 0


@dataclass(frozen=True)
class Loaded:
    """The result of loading; `n_context` is of each slot, `notes` are warnings."""

    build: str
    n_context: int
    n_slots: int
    kv_type: str
    n_gpu_layers: int = 0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        layers = self.n_gpu_layers
        where = f"{layers} layers on the GPU" if layers else "on the CPU"
        return (
            f"{self.n_slots} contexts of {self.n_context} tokens, KV cache "
            f"{self.kv_type}, {where}"
        )


NO_PROMPT = Prompt(())
NO_LIMITS = Limits()


@dataclass(frozen=True)
class EngineRequest:
    """A verb of the engine and its arguments; unused ones stay empty."""

    verb: str
    prompt: Prompt = NO_PROMPT
    limits: Limits = NO_LIMITS
    n_wanted: int = 1
    texts: Sequence[str] = ()


@dataclass(frozen=True)
class Asked:
    """A request and the number that its answers carry; unique for each client."""

    id: int
    request: EngineRequest


@dataclass(frozen=True)
class Cancelled:
    """The client no longer wants the answer to a request."""

    id: int


@dataclass(frozen=True)
class AnswerRows:
    """The whole answer to a request that is not answered in pieces."""

    rows: list[Any]


ROW_OF: Mapping[str, Callable[..., Any]] = {
    "candidates": Candidate,
    "score": Score,
    "count_tokens": int,
}


# From a front to the process


def load_frame(load: Load) -> Frame:
    return {"op": "load", **asdict(load)}


def cancel_frame(request_id: int) -> Frame:
    return {"op": "cancel", "id": request_id}


def request_frame(request_id: int, request: EngineRequest) -> Frame:
    prompt = request.prompt
    return {
        "op": request.verb,
        "id": request_id,
        "segments": [_packed(item) for item in prompt.segments],
        "held_back": prompt.held_back,
        "stops": prompt.stops,
        "beyond": prompt.beyond,
        "limits": asdict(request.limits),
        "n_wanted": request.n_wanted,
        "texts": request.texts,
    }


def _packed(item: Segment | Group) -> list[Any]:
    match item:
        case Control(token, cut):
            return ["control", token, cut]
        case Text(text, cut):
            return ["text", text, cut]
        case Group(segments):
            return ["group", *map(_packed, segments)]


# From the process to a front


def loading_frame(share: float) -> Frame:
    return {"op": "loading", "share": share}


def ready_frame(loaded: Loaded) -> Frame:
    return {"op": "ready", **asdict(loaded)}


def loaded_from(frame: Frame) -> Loaded:
    values = {name: frame[name] for name in Loaded.__dataclass_fields__}
    return Loaded(**{**values, "notes": tuple(values["notes"])})


def speed_frame(speed: Speed) -> Frame:
    return {"op": "speed", **asdict(speed)}


def speed_from(frame: Frame) -> Speed:
    return Speed(**{name: frame[name] for name in Speed.__dataclass_fields__})


def failed_frame(message: str) -> Frame:
    """The model cannot be loaded, and trying again does not help."""
    return {"op": "failed", "message": message}


def waiting_frame() -> Frame:
    """The process is alive, but works for another client."""
    return {"op": "waiting"}


def saving_frame(seconds: float) -> Frame:
    """The process saves its KV cache, and ends within `seconds`."""
    return {"op": "saving", "seconds": seconds}


def piece_frame(request_id: int, piece: Piece) -> Frame:
    return {"op": "piece", "id": request_id, "text": piece.text, **asdict(piece.usage)}


def piece_from(frame: Frame) -> Piece:
    usage = {key: frame[key] for key in Usage.__dataclass_fields__}
    return Piece(frame["text"], Usage(**usage))


def error_frame(request_id: int, message: str, *, is_lasting: bool = False) -> Frame:
    """A request failed; with `is_lasting` every other one would fail, too."""
    error = {"op": "error", "id": request_id, "message": message}
    return {**error, "is_lasting": is_lasting}


def error_from(frame: Frame) -> EngineError:
    kind = EngineFailed if frame["is_lasting"] else EngineCrashed
    return kind(frame["message"])


def answer_frame(request_id: int, verb: str, rows: Sequence[Any]) -> Frame:
    packed = [[row] if isinstance(row, int) else astuple(row) for row in rows]
    return {"op": "answer", "id": request_id, "verb": verb, "rows": packed}


def answer_from(frame: Frame) -> AnswerRows:
    row_of = ROW_OF[frame["verb"]]
    return AnswerRows([row_of(*row) for row in frame["rows"]])
