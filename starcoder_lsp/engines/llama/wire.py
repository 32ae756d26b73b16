"""What the two halves of the llama engine say to each other, as frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from starcoder_lsp.flow import Control, Limits, Piece, Prompt, Segment, Text, Usage
from starcoder_lsp.frames import Frame


@dataclass(frozen=True)
class Load:
    """Which model to load, and what its family needs of it.

    `n_gpu_layers` of -1 means all; `n_threads` of 0 means one per physical core.
    """

    path: str
    family: str
    n_context: int
    controls: tuple[str, ...] = ()
    overrides: Mapping[str, int] = field(default_factory=dict)
    heals: bool = False
    n_gpu_layers: int = 0
    n_threads: int = 0


def load_frame(load: Load) -> Frame:
    return {"op": "load", **asdict(load)}


def load_from(frame: Frame) -> Load:
    values = {key: value for key, value in frame.items() if key != "op"}
    return Load(**{**values, "controls": tuple(values["controls"])})


def request_frame(request_id: int, prompt: Prompt, limits: Limits) -> Frame:
    return {
        "op": "generate",
        "id": request_id,
        "segments": [_packed(segment) for segment in prompt.segments],
        "held_back": prompt.held_back,
        "stops": prompt.stops,
        "limits": asdict(limits),
    }


def request_from(frame: Frame) -> tuple[Prompt, Limits]:
    segments = tuple(_unpacked(row) for row in frame["segments"])
    prompt = Prompt(segments, frame["held_back"], tuple(frame["stops"]))
    return prompt, Limits(**frame["limits"])


def piece_frame(request_id: int, piece: Piece) -> Frame:
    return {"op": "piece", "id": request_id, "text": piece.text, **asdict(piece.usage)}


def piece_from(frame: Frame) -> Piece:
    usage = {key: frame[key] for key in Usage.__dataclass_fields__}
    return Piece(frame["text"], Usage(**usage))


def _packed(segment: Segment) -> list[str]:
    if isinstance(segment, Control):
        return [segment.token]
    return [segment.text, segment.cut]


def _unpacked(row: list[str]) -> Segment:
    return Control(row[0]) if len(row) == 1 else Text(row[0], row[1])  # type: ignore[arg-type]  # we packed it
