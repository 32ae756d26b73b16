"""What the two halves of the llama engine say to each other, as frames."""

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

    `n_gpu_layers` of None means as many as fit, -1 all; `n_threads` of 0 means one
    per physical core. With less than `n_context_least` the model is of no use.
    `n_reserved` tokens of the context are for answers.
    `kv_cache_bytes` is how much of what was read may be saved for the next start.
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


@dataclass(frozen=True)
class Loaded:
    """What was loaded, and how it was cut to fit; `n_context` is of each slot."""

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


def ready_frame(loaded: Loaded) -> Frame:
    return {"op": "ready", **asdict(loaded)}


def loaded_from(frame: Frame) -> Loaded:
    values = {name: frame[name] for name in Loaded.__dataclass_fields__}
    return Loaded(**{**values, "notes": tuple(values["notes"])})


def speed_frame(speed: Speed) -> Frame:
    return {"op": "speed", **asdict(speed)}


def speed_from(frame: Frame) -> Speed:
    return Speed(frame["prefill_tokens_per_s"], frame["decode_tokens_per_s"])


def failed_frame(message: str) -> Frame:
    return {"op": "failed", "message": message}


def load_frame(load: Load) -> Frame:
    return {"op": "load", **asdict(load)}


def load_from(frame: Frame) -> Load:
    values = {key: value for key, value in frame.items() if key != "op"}
    return Load(**{**values, "controls": tuple(values["controls"])})


NO_PROMPT = Prompt(())
NO_LIMITS = Limits()


@dataclass(frozen=True)
class Request:
    """One verb of the engine and its arguments; those it has no use for stay empty."""

    verb: str
    prompt: Prompt = NO_PROMPT
    limits: Limits = NO_LIMITS
    n_wanted: int = 1
    texts: Sequence[str] = ()


def request_frame(request_id: int, request: Request) -> Frame:
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


def request_from(frame: Frame) -> Request:
    segments = tuple(_unpacked(item) for item in frame["segments"])
    prompt = Prompt(
        segments, frame["held_back"], tuple(frame["stops"]), frame["beyond"]
    )
    limits = Limits(**frame["limits"])
    return Request(frame["op"], prompt, limits, frame["n_wanted"], frame["texts"])


def piece_frame(request_id: int, piece: Piece) -> Frame:
    return {"op": "piece", "id": request_id, "text": piece.text, **asdict(piece.usage)}


def piece_from(frame: Frame) -> Piece:
    usage = {key: frame[key] for key in Usage.__dataclass_fields__}
    return Piece(frame["text"], Usage(**usage))


def error_frame(request_id: int, message: str, *, is_lasting: bool = False) -> Frame:
    """Nothing comes of this request, nor of any other when that `is_lasting`."""
    error = {"op": "error", "id": request_id, "message": message}
    return {**error, "is_lasting": is_lasting}


def error_from(frame: Frame) -> EngineError:
    kind = EngineFailed if frame["is_lasting"] else EngineCrashed
    return kind(frame["message"])


@dataclass(frozen=True)
class Answer:
    """All of the answer to a request whose answer is not a stream."""

    rows: list[Any]


ROW_OF: Mapping[str, Callable[..., Any]] = {
    "candidates": Candidate,
    "score": Score,
    "count_tokens": int,
}


def answer_frame(request_id: int, verb: str, rows: Sequence[Any]) -> Frame:
    packed = [[row] if isinstance(row, int) else astuple(row) for row in rows]
    return {"op": "answer", "id": request_id, "verb": verb, "rows": packed}


def answer_from(frame: Frame) -> Answer:
    row_of = ROW_OF[frame["verb"]]
    return Answer([row_of(*row) for row in frame["rows"]])


def _packed(item: Segment | Group) -> list[Any]:
    match item:
        case Control(token, cut):
            return ["control", token, cut]
        case Text(text, cut):
            return ["text", text, cut]
        case Group(segments):
            return ["group", *map(_packed, segments)]


def _unpacked(row: list[Any]) -> Any:
    kind, *values = row
    if kind == "group":
        return Group(tuple(map(_unpacked, values)))
    return Control(*values) if kind == "control" else Text(*values)
