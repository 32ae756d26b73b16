"""Compares the answers of a server with those that its input requires.

It shares no code with the server.

Every request gets exactly one answer with its id. Nothing else gets one, except what
cannot be read as a message, which gets one error, without an id where it has none.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

Message = dict[str, Any]

# What an answer may have in place of the id: nothing, as no answer comes; or anything.
SILENCE, ANY = "no answer", "any id"
NOBODY = "null"
INTERNAL_ERROR = -32603
BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
LENGTH = re.compile(rb"content-length\s*:\s*(\d{1,18})\s*$", re.IGNORECASE)


class WrongAnswers(AssertionError):
    """The server answered too often, too rarely, or with something that is no answer."""


def bodies(stream: bytes) -> Iterator[bytes]:
    """Yield the messages in a stream; skip lines that are not headers."""
    at, length = 0, None
    while at < len(stream):
        end = stream.find(b"\n", at) + 1 or len(stream)
        line, at = stream[at:end], end
        if found := LENGTH.search(line):
            length = int(found[1])
        elif not line.strip() and length is not None:
            if at + length > len(stream):
                return
            yield stream[at : at + length]
            at, length = at + length, None


def wanted_answers(body: bytes) -> tuple[str, ...]:
    """Return the acceptable ids of the one answer, as JSON, the most likely one first."""
    if b"\0" in body[:4] or body.startswith(BYTE_ORDER_MARKS):
        return (ANY, SILENCE)  # perhaps another encoding, which nobody has to know
    try:
        message = json.loads(body)
    except UnicodeDecodeError:
        # What can be read is read, or all of it is refused.
        readable = wanted_answers(body.decode("utf-8", "replace").encode())
        last = tuple(one for one in readable if one == SILENCE)
        return (
            *(one for one in readable if one not in (NOBODY, SILENCE)),
            NOBODY,
            *last,
        )
    except (ValueError, RecursionError):
        return (ANY,)  # its id may be readable all the same
    if not isinstance(message, dict):
        return (NOBODY,)
    own = json.dumps(message.get("id"))
    has_id = type(message.get("id")) in (int, str)
    method = message.get("method")
    if message.get("jsonrpc") != "2.0" or not isinstance(
        message.get("method", ""), str
    ):
        return (own, NOBODY) if has_id else (NOBODY, SILENCE)
    if method is None:
        is_answer = "result" in message or "error" in message
        return (SILENCE,) if is_answer else (own, NOBODY, SILENCE)
    if "id" not in message:
        return (SILENCE,)
    return (own,) if has_id else (NOBODY,)


def is_exit(body: bytes) -> bool:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(message, dict) and message.get("method") == "exit"


def check(sent: Sequence[bytes], received: Sequence[Message]) -> None:
    """Raise WrongAnswers unless every message got what it has to get."""
    answers = [message for message in received if "method" not in message]
    for answer in answers:
        _check_form(answer)
    left = Counter(json.dumps(answer["id"]) for answer in answers)
    for wanted in sorted(map(wanted_answers, sent), key=_freedom):
        left.subtract(_answered(wanted, left))
    if too_many := sorted(left.elements()):
        raise WrongAnswers(f"answers to nothing: to id {too_many}")


def _freedom(wanted: Sequence[str]) -> tuple[bool, bool, int]:
    """Return a sort key: messages with fewer acceptable answers come first."""
    return SILENCE in wanted, ANY in wanted, len(wanted)


def _answered(wanted: Sequence[str], left: Counter[str]) -> Sequence[str]:
    """Return the id of an answer that is acceptable and still there."""
    for one in wanted:
        if one == SILENCE:
            return ()
        if one == ANY and (others := sorted(left.elements(), key=NOBODY.__eq__)):
            return others[:1]
        if left[one] > 0:
            return (one,)
    raise WrongAnswers(f"no answer: to id {wanted[0]}")


def _check_form(answer: Message) -> None:
    if ("result" in answer) == ("error" in answer) or "id" not in answer:
        raise WrongAnswers(f"no answer has this form: {sorted(answer)}")
    error = answer.get("error")
    if error is None:
        return
    if type(error.get("code")) is not int or not isinstance(error.get("message"), str):
        raise WrongAnswers(f"no error has this form: {error}")
    if error["code"] == INTERNAL_ERROR or "Traceback" in error["message"]:
        raise WrongAnswers(f"internal error: {error['message'][-300:]}")
