"""Drops single values that lsprotocol cannot read, and keeps everything around them."""

from __future__ import annotations

import re
import types
import typing
from functools import cache
from typing import Any

import attrs
from cattrs import Converter

CAPITAL = re.compile("[A-Z]")


def tolerated(converter: Converter, value: Any, wanted: Any) -> Any:
    """Return `value` without the parts that cannot be read as `wanted`; None if none can.

    Clients may be newer than lsprotocol, or have bugs. An unknown number in one of their
    capabilities must not hide the others.
    """
    if _is_readable(converter, value, wanted):
        return value
    known = next((one for one in _alternatives(wanted) if attrs.has(one)), None)
    if known is None or not isinstance(value, dict):
        return None
    hints = _hints(known)
    kept = {
        key: tolerated(converter, part, hints.get(_python_name(key), Any))
        for key, part in value.items()
    }
    kept = {key: part for key, part in kept.items() if part is not None}
    return kept if _is_readable(converter, kept, known) else None


@cache
def _hints(known: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(known)


def _is_readable(converter: Converter, value: Any, wanted: Any) -> bool:
    try:
        converter.structure(value, wanted)
    except Exception:  # whatever cattrs and lsprotocol's hooks raise
        return False
    return True


def _alternatives(wanted: Any) -> tuple[Any, ...]:
    is_union = typing.get_origin(wanted) in (typing.Union, types.UnionType)
    return typing.get_args(wanted) if is_union else (wanted,)


def _python_name(key: str) -> str:
    """Return lsprotocol's name for a key of the protocol.

    >>> _python_name("workDoneProgress")
    'work_done_progress'
    """
    return CAPITAL.sub(lambda found: f"_{found[0].lower()}", key)
