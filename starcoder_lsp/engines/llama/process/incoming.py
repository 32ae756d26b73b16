"""Reads the frames that a client sends, and checks each part of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starcoder_lsp.engines.llama.messages import (
    NO_LIMITS,
    Asked,
    Cancelled,
    EngineRequest,
    Load,
)
from starcoder_lsp.flow import Control, Group, Limits, Prompt, Segment, Text
from starcoder_lsp.runtime import log
from starcoder_lsp.runtime.frames import BadFrame, Frame
from starcoder_lsp.runtime.log import LogTarget

Message = Load | Asked | Cancelled | LogTarget


def message_from(frame: Frame) -> Message:
    """Read a client's frame. Raises BadFrame unless every part is as it should be."""
    try:
        match frame["op"]:
            case "load":
                return _load_from(frame)
            case "log":
                return log.target_from(frame)
            case "cancel":
                return Cancelled(_checked(int, frame["id"]))
            case "generate" | "candidates" | "score" | "count_tokens":
                return Asked(_checked(int, frame["id"]), _request_from(frame))
    except (LookupError, TypeError, ValueError) as exc:
        raise BadFrame(f"a malformed message ({type(exc).__name__})") from exc
    raise BadFrame("an unknown message")


def _load_from(frame: Frame) -> Load:
    values = {key: value for key, value in frame.items() if key != "op"}
    load = Load(**{**values, "controls": _texts(values["controls"])})
    if load.n_gpu_layers is not None:
        _checked(int, load.n_gpu_layers)
    for entry, value in _checked(dict, load.overrides).items():
        _checked(str, entry)
        _checked(int, value)
    _check_fields(load, Load("", "", 0), but=("n_gpu_layers", "overrides"))
    return load


def _request_from(frame: Frame) -> EngineRequest:
    prompt = Prompt(
        tuple(map(_unpacked, _checked(list, frame["segments"]))),
        _checked(str, frame["held_back"]),
        _texts(frame["stops"]),
        _checked(str, frame["beyond"]),
    )
    limits = Limits(**frame["limits"])
    _check_fields(limits, NO_LIMITS)
    n_wanted = _checked(int, frame["n_wanted"])
    return EngineRequest(frame["op"], prompt, limits, n_wanted, _texts(frame["texts"]))


def _check_fields(value: Any, example: Any, but: Sequence[str] = ()) -> None:
    for name in example.__dataclass_fields__:
        if name not in but:
            _checked(type(getattr(example, name)), getattr(value, name))


def _checked(kind: type[Any], value: Any) -> Any:
    """Return `value` if its type is exactly `kind`: True is no number here."""
    if type(value) is not kind:
        raise TypeError
    return value


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(_checked(str, value) for value in _checked(list, values))


def _unpacked(row: Any) -> Segment | Group:
    match row:
        case ["group", *rows]:
            return Group(tuple(map(_segment, rows)))
        case _:
            return _segment(row)


def _segment(row: Any) -> Segment:
    match row:
        case ["control", str(token), "start" | "end" | "never" as cut]:
            return Control(token, cut)
        case ["text", str(text), "start" | "end" | "never" as cut]:
            return Text(text, cut)
        case _:
            raise ValueError
