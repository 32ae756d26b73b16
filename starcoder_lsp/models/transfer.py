"""Downloads a file by HTTP, and goes on where an earlier download stopped.

huggingface_hub resumes within one call only: each call of `hf_hub_download` writes to a
file of its own (`_download_to_tmp_and_move`). Its `http_get` does the rest: proxies,
retries, byte ranges, and servers that ignore them.

model.gguf.part        the bytes so far
model.gguf.part.json   the key of the content that they belong to
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, field
from logging import ERROR
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starcoder_lsp.errors import DownloadFailed
from starcoder_lsp.models.progress import Meter

if TYPE_CHECKING:
    from httpx2 import Response

RANGE_NOT_SATISFIABLE = 416
CHUNK_BYTES = 256 << 10
# How long a server may take to answer with a small text.
PATIENCE_S = 20
PROXIES = (
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy",
)  # fmt: skip
SOCKS = "a SOCKS proxy needs another package; use an HTTP proxy, or: pip install {}"
AGAIN = "run the command again to go on from there"


@dataclass(frozen=True)
class WebPage:
    """A text from the network, and where it was after redirects."""

    url: str
    text: str
    is_json: bool


@dataclass(frozen=True)
class Remote:
    """A file that can be downloaded; `size_bytes` is 0 if unknown.

    `key` identifies the content, such as a checksum: parts of other contents are not
    continued. `name` is for messages.
    """

    name: str
    url: str
    key: str
    size_bytes: int = 0
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def read(url: str, accept: str) -> WebPage:
    """Read a small text; raises DownloadFailed."""
    from huggingface_hub import get_session

    try:
        answer = get_session().get(
            url, headers={"Accept": accept}, follow_redirects=True, timeout=PATIENCE_S
        )
        answer.raise_for_status()
    except transport_errors() as exc:
        raise DownloadFailed(f"{url}: {short(exc)}{by_proxy()}") from exc
    except ImportError as exc:  # a proxy of a kind that needs another package
        raise DownloadFailed(f"{url}: {short(exc)}") from exc
    is_json = "json" in answer.headers.get("Content-Type", "")
    return WebPage(str(answer.url), answer.text, is_json)


def part_of(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def bytes_here(target: Path) -> int:
    """Return how much of `target` an earlier download has left."""
    try:
        return part_of(target).stat().st_size
    except OSError:
        return 0


def discard(target: Path) -> None:
    part_of(target).unlink(missing_ok=True)
    _note_of(target).unlink(missing_ok=True)


def fetch(remote: Remote, target: Path, meter: Meter) -> Path:
    """Download into the part of `target`, and return the part's path when it is whole.

    Raises DownloadFailed, after which the part is still there.
    """
    _start(remote, target)
    try:
        _get(remote, target, meter)
    except OSError as exc:
        raise DownloadFailed(_explain(remote, target, exc)) from exc
    except ImportError as exc:
        if "SOCKS" not in str(exc).upper():
            raise
        text = f"{remote.name} cannot be reached{by_proxy()}: "
        raise DownloadFailed(text + SOCKS.format("socksio")) from exc
    except transport_errors() as exc:
        raise DownloadFailed(_explain(remote, target, exc)) from exc
    return part_of(target)


def _start(remote: Remote, target: Path) -> None:
    """Remove what belongs to another content, and note the key of this one."""
    try:
        known = json.loads(_note_of(target).read_text("utf-8"))["key"]
    except (OSError, ValueError, TypeError, KeyError):
        known = None
    here = bytes_here(target)
    if known != remote.key or (remote.size_bytes and here > remote.size_bytes):
        discard(target)
        _note_of(target).write_text(json.dumps({"key": remote.key}), "utf-8")


def _get(remote: Remote, target: Path, meter: Meter) -> None:
    from huggingface_hub import constants, logging
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.file_download import http_get

    logging.set_verbosity(ERROR)  # it would tell each retry
    # What has not filled a chunk is lost with the connection: with the hub's 10 MB, a bad
    # connection would never get ahead.
    constants.DOWNLOAD_CHUNK_SIZE = min(constants.DOWNLOAD_CHUNK_SIZE, CHUNK_BYTES)
    # A compressed answer has no byte ranges.
    headers = {**remote.headers, "Accept-Encoding": "identity"}
    with part_of(target).open("ab", buffering=0) as part:
        here = part.tell()
        meter.at(here, remote.size_bytes)
        arguments: dict[str, Any] = {
            "url": remote.url,
            "temp_file": part,
            "headers": headers,
            "expected_size": remote.size_bytes or None,
            "tqdm_class": _reporter(meter),
        }
        try:
            http_get(**arguments, resume_size=here)
        except HfHubHTTPError as exc:
            if not here or not _is_beyond_the_end(exc.response):
                raise
            part.truncate(0)
            http_get(**arguments)
        os.fsync(part.fileno())


def _is_beyond_the_end(response: Response | None) -> bool:
    return response is not None and response.status_code == RANGE_NOT_SATISFIABLE


def _explain(remote: Remote, target: Path, exc: Exception) -> str:
    here = bytes_here(target)
    kept = f"; {here / 1e6:.0f} MB are kept: {AGAIN}" if here else ""
    if getattr(exc, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk of {target.parent} is full: free some space{kept}"
    if status := status_of(exc):
        return f"{remote.name}: the server answered with HTTP {status}; try again{kept}"
    if isinstance(exc, (ConnectionError, TimeoutError)) or not isinstance(exc, OSError):
        return f"{remote.name} cannot be reached{by_proxy()}: {short(exc)}{kept}"
    return f"{remote.name}: {short(exc)}{kept}"


def status_of(exc: Exception) -> int:
    """Return the status of the answer that raised an error; 0 if there was none."""
    return getattr(getattr(exc, "response", None), "status_code", 0)


def by_proxy() -> str:
    """Name the variables of a proxy; their values may hold a password."""
    named = [name for name in PROXIES if os.environ.get(name)]
    return f" through the proxy of {' and '.join(named)}" if named else ""


def transport_errors() -> tuple[type[Exception], ...]:
    import httpx2

    return (httpx2.HTTPError, httpx2.InvalidURL, ConnectionError, TimeoutError)


def short(exc: Exception) -> str:
    return (str(exc) or type(exc).__name__).strip().splitlines()[0]


def _note_of(target: Path) -> Path:
    return target.with_name(target.name + ".part.json")


def _reporter(meter: Meter) -> type:
    from huggingface_hub.utils.tqdm import tqdm

    class Reporter(tqdm):
        """Passes on the bytes instead of drawing a bar."""

        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]  # the hub's
            self._total = int(kwargs.get("total") or 0)  # type: ignore[call-overload]  # bytes
            self._done = int(kwargs.get("initial") or 0)  # type: ignore[call-overload]  # bytes

        def update(self, n: float | None = 1) -> bool | None:
            self._done += int(n or 0)
            meter.at(self._done, self._total)
            return None

    return Reporter
