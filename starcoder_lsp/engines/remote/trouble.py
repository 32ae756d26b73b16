"""Names everything that goes wrong between here and a server, and what follows from it.

The message of a trouble never holds what a server wrote, except the names of its
models, adapters and errors: it might repeat the prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from starcoder_lsp.engines.remote.dialect import Dialect, found
from starcoder_lsp.engines.remote.server import RemoteServer

MAX_RETRY_AFTER_S = 600.0


class Course(Enum):
    """Names the engine's reaction to a trouble."""

    # Only this request has failed.
    GO_ON = "go on"
    # Nothing is sent until the server answers a probe; the waits grow.
    PROBE_SOON = "probe soon"
    # The same with a long wait: a person has to change something first.
    PROBE_SELDOM = "probe seldom"
    # No request will succeed with these settings.
    GIVE_UP = "give up"


@dataclass(frozen=True)
class Kind:
    """A kind of trouble: the rest of a sentence that begins with the server's name."""

    message: str
    course: Course


KINDS: Mapping[str, Kind] = {
    "unreachable": Kind(
        "no server answers at {url}; it may be starting, or the address may be wrong",
        Course.PROBE_SOON,
    ),
    "loading": Kind("the server loads its model", Course.PROBE_SOON),
    "overloaded": Kind("the server has too many requests", Course.PROBE_SOON),
    "unauthorized": Kind(
        "the server refuses the key ({key}); check key_env, key_file or key_ring in "
        "[engines.{name}], and the key itself",
        Course.GIVE_UP,
    ),
    "no key": Kind("{detail}", Course.GIVE_UP),
    "forbidden": Kind(
        "the server forbids {path}; the key may lack a right, or a proxy may not let "
        "the path through",
        Course.PROBE_SELDOM,
    ),
    "unknown model": Kind(
        "the server has no model {model}{detail}; change model in [engines.{name}]",
        Course.PROBE_SELDOM,
    ),
    "unknown adapter": Kind(
        "the server has not loaded the adapter {adapter}{detail}; change adapter in "
        "[engines.{name}]",
        Course.PROBE_SELDOM,
    ),
    "wrong dialect": Kind(
        'the server does not speak as {title} does{detail}; change kind = "{kind}" or '
        "url in [engines.{name}]",
        Course.PROBE_SELDOM,
    ),
    "redirect": Kind(
        "the server redirects to another address, and redirects are never followed; "
        "set url to the final address",
        Course.PROBE_SELDOM,
    ),
    "tls": Kind(
        "the certificate of {url} cannot be verified{detail}; for an authority of your "
        "own set ca_file in [engines.{name}]",
        Course.PROBE_SELDOM,
    ),
    "proxy": Kind(
        "the proxy that HTTPS_PROXY or ALL_PROXY names cannot be used{detail}; change "
        "the variable where your editor is started",
        Course.PROBE_SELDOM,
    ),
    "timeout": Kind("the server did not answer in time", Course.GO_ON),
    "gone": Kind("the connection to the server broke", Course.PROBE_SOON),
    "cut short": Kind("the server's answer ended early", Course.GO_ON),
    "not UTF-8": Kind("the server's answer is not UTF-8", Course.GO_ON),
    "not JSON": Kind("the server's answer is not JSON", Course.GO_ON),
    "too large": Kind("the server's answer is too large", Course.GO_ON),
    "too long": Kind("the prompt is longer than the model's context", Course.GO_ON),
    "server error": Kind("the server failed{detail}; its log tells why", Course.GO_ON),
    "rejected": Kind(
        "the server refused the request{detail}; its log tells why", Course.GO_ON
    ),
}


class Trouble(Exception):
    """Something went wrong at the server or on the way to it; `kind` is one of `KINDS`.

    `detail` continues the message, `retry_after_s` is what the server asked for, and
    `n_context` the context size that it told.
    """

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        path: str = "",
        retry_after_s: float | None = None,
        n_context: int | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail
        self.path = path
        self.retry_after_s = retry_after_s
        self.n_context = n_context

    @property
    def course(self) -> Course:
        return KINDS[self.kind].course

    def message(self, server: RemoteServer, dialect: Dialect) -> str:
        key = server.key_env or server.key_file or server.key_ring or "none is set"
        return KINDS[self.kind].message.format(
            url=server.url,
            name=server.name,
            kind=server.kind,
            model=server.model,
            adapter=server.adapter,
            key=key,
            title=dialect.title,
            detail=self.detail,
            path=self.path,
        )


BY_STATUS: Mapping[int, str] = {
    401: "unauthorized",
    403: "forbidden",
    404: "wrong dialect",
    405: "wrong dialect",
    408: "timeout",
    413: "too long",
    429: "overloaded",
    503: "overloaded",
    504: "timeout",
}
# How servers name a prompt that is too long, a model that they lack, and the loading of
# one: llama-server's `type`, vLLM's `param` and OpenAI's `code`, or words of a message.
TOO_LONG = re.compile(
    r"exceed_context_size|context_length_exceeded|input_tokens\b|maximum context length"
    r"|context (?:size|length|window)|max_input_length|max_total_tokens"
    r"|longer than the model",
    re.IGNORECASE,
)
UNKNOWN_MODEL = re.compile(
    r"model_not_found|\bmodel\b.{0,200}\b(?:not found|does not exist|not exist)"
    r"|invalid_model|unknown model",
    re.IGNORECASE | re.DOTALL,
)
LOADING = re.compile(r"loading model|model is loading|still loading", re.IGNORECASE)
CONTEXT = re.compile(
    r"(?:maximum context length is|context size \(|must be <= ?)\s*(\d{2,7})",
    re.IGNORECASE,
)
TYPE = re.compile(r"[\w.-]{1,64}")
# No more of an answer is searched.
MAX_SEARCHED = 4000


def of_answer(
    status: int, headers: Mapping[str, str], body: bytes, path: str
) -> Trouble | None:
    """Return the trouble that an answer tells of; None for one that is in order."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Trouble("redirect", path=path)
    text = body[:MAX_SEARCHED].decode(errors="replace")
    error = _error_in(text)
    kind = _kind(status, text, error)
    detail = f": {status}" + (f" {name}" if (name := _type_of(error)) else "")
    if kind in ("overloaded", "loading"):
        retry_after_s = _retry_after_s(headers)
        return Trouble(kind, path=path, retry_after_s=retry_after_s)
    if kind == "too long":
        return Trouble(kind, path=path, n_context=_n_context(text, error))
    if kind == "wrong dialect":
        return Trouble(kind, f": it has no {path}", path=path)
    return Trouble(
        kind, detail if kind in ("server error", "rejected") else "", path=path
    )


def of_event(event: Any) -> Trouble | None:
    """Return the trouble that an event of a stream tells of; None for another event."""
    error = event.get("error") if isinstance(event, Mapping) else None
    if not error:
        return None
    text = json.dumps(event)[:MAX_SEARCHED]
    if event.get("error_type") == "overloaded":
        return Trouble("overloaded")
    if TOO_LONG.search(text):
        return Trouble("too long", n_context=_n_context(text, event))
    name = _type_of(event)
    return Trouble("server error", f": {name}" if name else "")


def _kind(status: int, text: str, error: Any) -> str:
    if status == 503 and LOADING.search(text):
        return "loading"
    if status in (400, 413, 422, 500) and TOO_LONG.search(text):
        return "too long"
    if status in (400, 404, 422):
        names_model = found(error, "error.param") == "model"
        if names_model or UNKNOWN_MODEL.search(text):
            return "unknown model"
    if status in BY_STATUS:
        return BY_STATUS[status]
    return "server error" if status >= 500 else "rejected"


def _error_in(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _type_of(error: Any) -> str:
    """Return the server's own word for an error, if it is a word."""
    for path in ("error.type", "error_type", "type", "error.code", "object"):
        name = found(error, path)
        if isinstance(name, str) and TYPE.fullmatch(name):
            return name
    return ""


def _n_context(text: str, error: Any) -> int | None:
    told = found(error, "error.n_ctx")
    if isinstance(told, int):
        return told
    named = CONTEXT.search(text)
    return int(named[1]) if named else None


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3); None without one."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return min(float(value), MAX_RETRY_AFTER_S)
    if not value:
        return None
    from email.utils import mktime_tz, parsedate_tz
    from time import time

    try:
        date = parsedate_tz(value)
        wait_s = mktime_tz(date) - time() if date else None
    except (ValueError, OverflowError, TypeError, IndexError):  # no date of a calendar
        return None
    return None if wait_s is None else min(max(wait_s, 0.0), MAX_RETRY_AFTER_S)
