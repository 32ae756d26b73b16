"""The definition of a remote server, `[engines.NAME]` of the user's own file.

Only the user's own file and the command line may hold one: an address, a key or a header
that came from a project would send the user's code and key to its author.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from starcoder_lsp.engines.remote import LOCAL
from starcoder_lsp.engines.remote.dialect import dialects
from starcoder_lsp.errors import ConfigError

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
# Set by the client itself; a key has settings of its own.
OWN_HEADERS = frozenset(
    [
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "proxy-authorization",
        "transfer-encoding",
        "x-api-key",
        "api-key",
    ]
)
MAX_CONTEXT_TOKENS = 1_000_000
UNIX = "unix"
KEY_FIELDS = ("key_env", "key_file", "key_ring")
REFUSED = {
    "key": "a key does not belong in a file of settings",
    "api_key": "a key does not belong in a file of settings",
    "token": "a key does not belong in a file of settings",
    "password": "a key does not belong in a file of settings",
    "verify": "certificates are always checked; name your own authority with ca_file",
}


@dataclass(frozen=True)
class RemoteServer:
    """A server, its model, and the way to reach it.

    `model` is the name that the server knows. `family` is a row of families.toml; ""
    means that of the row in models.toml with the model's name. `adapter` is a LoRA
    adapter that the server has loaded. `plain_http` names the one host that may be
    reached without TLS. The key is in the environment variable `key_env`, the file
    `key_file`, or the system's keyring under "SERVICE/USER" (`key_ring`).
    `context_tokens` is the context of the model, where the server does not tell it.
    """

    name: str
    kind: str
    url: str
    model: str = ""
    family: str = ""
    adapter: str = ""
    key_env: str = ""
    key_file: str = ""
    key_ring: str = ""
    ca_file: str = ""
    plain_http: str = ""
    context_tokens: int = 0
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def socket(self) -> str:
        """The path of the Unix socket; "" for a server that is reached over a network."""
        return self.url.removeprefix("unix://") if self.url.startswith(UNIX) else ""

    @property
    def has_key(self) -> bool:
        return bool(self.key_env or self.key_file or self.key_ring)

    @property
    def is_here(self) -> bool:
        """True for a server on this machine."""
        return bool(self.socket) or _is_loopback(urlsplit(self.url).hostname or "")

    @property
    def uses_tls(self) -> bool:
        return self.url.startswith("https:")


FIELDS = {one.name: one for one in fields(RemoteServer) if one.name != "name"}


def server_of(name: str, table: object) -> RemoteServer:
    """Return the server that a table defines; raises ConfigError with what is wrong."""
    try:
        if not NAME.fullmatch(name) or name == LOCAL:
            raise ConfigError("is not a name for an engine; use letters and digits")
        if not isinstance(table, Mapping):
            raise ConfigError("expected a table with kind, url and model")
        return _checked(RemoteServer(name, **_values(table)))
    except ConfigError as exc:
        shown = name if NAME.fullmatch(name) else ascii(name[:64])
        raise ConfigError(f"engines.{shown} {exc}") from None


def _values(table: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in REFUSED:
            raise ConfigError(
                f"may not have {key}: {REFUSED[key]}"
                + ("" if key == "verify" else f"; use {', '.join(KEY_FIELDS)}")
            )
        if key not in FIELDS:
            raise ConfigError(
                f"has no setting {key[:64]!a}; there are {', '.join(FIELDS)}"
            )
        values[key] = _value(key, value)
    for key in ("kind", "url"):
        if not values.get(key):
            raise ConfigError(f"lacks {key}")
    return values


def _value(key: str, value: object) -> Any:
    if key == "headers":
        return _headers(value)
    if key == "context_tokens":
        if type(value) is not int or not 0 <= value <= MAX_CONTEXT_TOKENS:
            raise ConfigError(f"{key}: expected a number of tokens")
        return value
    if not isinstance(value, str) or not value.isprintable():
        raise ConfigError(f"{key}: expected a string without control characters")
    if key == "key_env" and value and not VARIABLE.fullmatch(value):
        # It may be the key itself, so it is not repeated.
        raise ConfigError("key_env: expected the name of an environment variable")
    return _with_plain_scheme(value) if key == "url" else value


def _with_plain_scheme(url: str) -> str:
    """Return the address with its scheme in lower case, which others compare with.

    >>> _with_plain_scheme("HTTPS://Host/Path"), _with_plain_scheme("a/B")
    ('https://Host/Path', 'a/B')
    """
    scheme, colon, rest = url.partition(":")
    return scheme.lower() + colon + rest if colon else url


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise ConfigError("headers: expected a table of strings")
    for name, text in value.items():
        if not HEADER_NAME.fullmatch(name) or not isinstance(text, str):
            raise ConfigError(f"headers: {name[:64]!a} is not a header")
        if name.lower() in OWN_HEADERS:
            raise ConfigError(
                f"headers: {name} may not be set; use key_env or key_file"
            )
        if not HEADER_VALUE.fullmatch(text):
            raise ConfigError(f"headers: {name} has characters that are not ASCII")
    return tuple(sorted(value.items()))


def _checked(server: RemoteServer) -> RemoteServer:
    if server.kind not in dialects():
        raise ConfigError(f"kind: expected one of {', '.join(dialects())}")
    if sum(bool(getattr(server, key)) for key in KEY_FIELDS) > 1:
        raise ConfigError(f"has more than one of {', '.join(KEY_FIELDS)}")
    if dialects()[server.kind].needs_model and not server.model:
        raise ConfigError("lacks model, the name that the server knows")
    for key in ("key_file", "ca_file"):
        path = getattr(server, key)
        if path and not Path(path).expanduser().is_absolute():
            raise ConfigError(f"{key}: expected an absolute path, or one after ~")
    _check_url(server)
    return server


def _check_url(server: RemoteServer) -> None:
    """Refuse an address that would send code or a key where the user does not expect it."""
    try:
        parts = urlsplit(server.url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("url: is not an address") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            "url: may not hold a user or a password; use key_env or key_file"
        )
    if parts.scheme == UNIX:
        if host or not parts.path.startswith("/"):
            raise ConfigError("url: expected unix:///absolute/path/of/the/socket")
        return
    _check_network_url(server, parts, host)
    if port == 0:
        raise ConfigError("url: no server listens on port 0")


def _check_network_url(server: RemoteServer, parts: SplitResult, host: str) -> None:
    if parts.scheme not in ("http", "https"):
        raise ConfigError("url: expected https://…, http://… or unix:///…")
    if not host or re.search(r"[\s\\]", server.url):
        raise ConfigError("url: is not an address")
    if not server.url.isascii():
        raise ConfigError("url: write names of other scripts as xn--…")
    if parts.query or parts.fragment:
        raise ConfigError("url: may not have a query or a fragment")
    is_open = parts.scheme == "http" and not _is_loopback(host)
    if is_open and host != server.plain_http.lower():
        raise ConfigError(
            f"url: http:// would send your code to {host} without encryption; use "
            f'https://, or allow it with plain_http = "{host}"'
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
