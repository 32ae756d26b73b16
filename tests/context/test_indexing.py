"""Whatever happens to a workspace, its index ends up equal to a new one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import canaries
import pytest
from lsp_client import children_of
from workspace import LONG_PATIENCE_S, Workspace, contents, n_indexed, plant, until

from starcoder_lsp.context import Edit, Gathered, client, worker_process
from starcoder_lsp.context.index.database import file_of
from starcoder_lsp.flow import REDACTED, Cursor, Document, Judgement, readable
from starcoder_lsp.lsp.documents.uris import path_of
from starcoder_lsp.runtime.paths import cache_dir

DEF = "def {}():\n    return 1\n"
# Of what the prompt shows of the document.
NOTHING = range(0)


def functions(*names: str) -> dict[str, str]:
    return {f"{name}.py": DEF.format(name) for name in names}


async def test_files_are_indexed_with_their_definitions(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    async with Workspace(root) as workspace:
        assert workspace.progress[-1].is_final
        assert contents(root)["a.py"] == ("def a():\n    return 1", ("a",))
        statistics = await workspace.context.statistics()
    assert (statistics.n_files, statistics.n_symbols) == (2, 2)
    assert statistics.languages == {"python": 2}


async def test_a_start_reads_nothing_again_once_the_files_have_rested(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    n_read: list[int] = []
    async with asyncio.timeout(60):
        # What has just changed is read once more, in case it changes again unseen.
        while n_read[-1:] != [0]:
            async with Workspace(root) as workspace:
                assert sorted(contents(root)) == ["a.py", "b.py"]
            n_read.append(workspace.progress[-1].n_total)
    assert n_read[0] == 2


async def test_the_index_follows_changes_on_disk(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a", "b", "c"))
    async with Workspace(root) as workspace:
        plant(
            root, {"a.py": DEF.format("other"), "b.py": None, "d/e.py": DEF.format("e")}
        )
        changed = [root / name for name in ("a.py", "b.py", "d/e.py")]
        workspace.context.files_changed(changed)
        await workspace.until_indexed("a.py", "c.py", "d/e.py")
        await until(lambda: contents(root)["a.py"][1] == ("other",))


async def test_a_file_of_the_same_time_and_size_is_read_again(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a"))
    os.utime(root / "a.py", (0, 0))
    async with Workspace(root):
        assert contents(root)["a.py"][1] == ("a",)
    plant(root, {"a.py": DEF.format("b")})
    os.utime(root / "a.py", (0, 0))
    async with Workspace(root):
        assert contents(root)["a.py"][1] == ("b",)


@pytest.mark.parametrize("when", [0, 2**33])
async def test_files_from_the_past_and_the_future_are_indexed(tmp_path: Path, when: int) -> None:  # fmt: skip
    root = plant(tmp_path / "w", functions("a"))
    os.utime(root / "a.py", (when, when))
    async with Workspace(root) as workspace:
        assert workspace.indexed() == ["a.py"]


async def test_the_index_follows_new_and_deleted_directories(tmp_path: Path) -> None:  # fmt: skip
    root = plant(tmp_path / "w", functions("a"))
    plant(tmp_path / "elsewhere", functions("b", "c/d"))
    async with Workspace(root) as workspace:
        (tmp_path / "elsewhere").rename(root / "new")
        workspace.context.files_changed([root / "new"])
        await workspace.until_indexed("a.py", "new/b.py", "new/c/d.py")
        shutil.rmtree(root / "new")
        workspace.context.files_changed([root / "new"])
        await workspace.until_indexed("a.py")


async def test_a_rule_added_later_purges_what_it_hides(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a", "private"))
    async with Workspace(root) as workspace:
        uri = workspace.open(root / "private.py", DEF.format("unsaved"))
        await until(lambda: contents(root)["private.py"][1] == ("unsaved",))
        plant(root, {".gitignore": "private.py\n"})
        workspace.context.files_changed([root / ".gitignore"])
        await workspace.until_indexed("a.py")
        workspace.context.close_document(uri)
        plant(root, {".gitignore": "a.py\n"})
        workspace.context.files_changed([root / ".gitignore"])
        await workspace.until_indexed("private.py")


async def test_files_that_a_repository_excludes_later_are_purged(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", {".git/info/exclude": "", **functions("a", "b")})
    async with Workspace(root) as workspace:
        plant(root, {".git/info/exclude": "b.py\n"})
        workspace.context.files_changed([root / ".git/info/exclude"])
        await workspace.until_indexed("a.py")


async def test_secrets_are_not_even_in_the_index(tmp_path: Path) -> None:
    """No file of the cache has a secret of a file, an open or an edited document."""
    files, secrets = canaries.workspace()
    root = plant(tmp_path / "w", files)
    text = files["providers.py"]
    async with Workspace(root) as workspace:
        workspace.open(root / "edited.py", "x = 1\n")
        workspace.context.change(
            (root / "edited.py").as_uri(), 2, [Edit(0, 0, text), Edit(0, 0, "y = 1\n")]
        )
        await until(lambda: "edited.py" in contents(root))
        await until(lambda: REDACTED["KEY"] in contents(root)["edited.py"][0])
        indexed = workspace.indexed()
    assert not {".env", "database.yml", ".docker/config.json"} & set(indexed)
    assert {"a.py", "a.yaml", "a.sh", "Dockerfile", "providers.py"} <= set(indexed)
    everything = b"".join(
        file.read_bytes() for file in cache_dir().rglob("*") if file.is_file()
    )
    assert b"value_7" in everything
    assert [one for one in secrets if one.encode() in everything] == []


HIDDEN_WAYS = {
    "ignored": "file://{root}/hidden.py",
    "link to ignored": "file://{root}/link.py",
    "outside": "file://{root}/../outside.py",
    "through ..": "file://{root}/x/../hidden.py",
    "through .. of a link": "file://{root}/elsewhere/../w/hidden.py",
    "in other words": "FILE://{root}/%68idden.py",
    "secret": "file://{root}/.env",
    "secret in capitals": "file://{root}/ID_RSA",
    "git blob": "git:{root}/hidden.py?ref=HEAD",
    "git blob of what is not hidden": "git:{root}/a.py?ref=HEAD",
    "cell": "vscode-notebook-cell:{root}/hidden.ipynb#one",
}


@pytest.mark.parametrize("way", HIDDEN_WAYS)
async def test_hidden_open_documents_are_not_used_as_context(
    tmp_path: Path, way: str
) -> None:
    rules = {".gitignore": "hidden.*\n", "hidden.ipynb": "{}"}
    root = plant(tmp_path / "w", {**rules, **functions("a", "hidden")})
    plant(tmp_path, functions("outside", "other/b"))
    (root / "link.py").symlink_to("hidden.py")
    (root / "elsewhere").symlink_to(tmp_path / "other")
    uri = HIDDEN_WAYS[way].format(root=root)
    async with Workspace(root) as workspace:
        workspace.context.open(uri, path_of(uri), "python", DEF.format("hidden"), 1)
        workspace.context.change(uri, 2, [Edit(0, 0, "edited = 1\n")])
        workspace.open(root / "a.py", DEF.format("edited"))
        await until(lambda: contents(root)["a.py"][1] == ("edited",))
        assert workspace.indexed() == ["a.py"]
        cursor = Cursor(Document("", (root / "a.py").as_uri(), "python", 1), 0)
        gathered = await until_placed(workspace, cursor)
    assert (gathered.path, gathered.snippets) == ("a.py", ())


@pytest.mark.parametrize("name", ["hidden.py", "link.py", "x/../hidden.py", "pipe.py", "../outside.py"])  # fmt: skip
async def test_events_do_not_bring_hidden_files_into_the_index(
    tmp_path: Path, name: str
) -> None:
    root = plant(
        tmp_path / "w", {".gitignore": "hidden.py\n", **functions("a", "hidden")}
    )
    plant(tmp_path, functions("outside"))
    (root / "link.py").symlink_to("hidden.py")
    os.mkfifo(root / "pipe.py")
    async with Workspace(root) as workspace:
        plant(root, functions("b"))
        workspace.context.files_changed([root / name, root / "b.py"])
        await until(lambda: "b.py" in contents(root))
        # What was told before it is decided before it.
        assert workspace.indexed() == ["a.py", "b.py"]


ODD_NAMES = ["a\nb.py", "\udcff.py", "\ud800.py", "\u202eyp.py", "\udcff" * 5000 + ".py"]  # fmt: skip


@pytest.mark.parametrize("name", [*ODD_NAMES, "d" * 5000 + ".py"], ids=lambda name: ascii(name[:9]))  # fmt: skip
async def test_events_with_any_name_leave_the_index_correct(
    tmp_path: Path, name: str
) -> None:
    root = plant(tmp_path / "w", functions("a"))
    with contextlib.suppress(OSError, UnicodeError):
        plant(root, {name: DEF.format("odd")})
    async with Workspace(root) as workspace:
        workspace.context.files_changed([root / name])
        # The answer comes after the event, from the same process.
        await workspace.context.statistics()
        plant(root, functions("b"))
        workspace.context.files_changed([root / name, root / "b.py"])
        await workspace.until_indexed("a.py", "b.py")


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name[:9]))
async def test_documents_with_unusual_names_are_ignored_without_harm(
    tmp_path: Path, name: str
) -> None:
    root = plant(tmp_path / "w", functions("a"))
    async with Workspace(root) as workspace:
        workspace.context.open("a:a", root / name, "python", DEF.format("odd"), 1)
        workspace.open(root / "a.py", DEF.format("edited"))
        await until(lambda: contents(root)["a.py"][1] == ("edited",))
        assert workspace.indexed() == ["a.py"]


async def test_a_document_with_invalid_text_does_not_harm_others(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    async with Workspace(root) as workspace:
        workspace.open(root / "a.py", "odd = '\ud800\0\ufffe'\n")
        workspace.open(root / "b.py", DEF.format("edited"))
        await until(lambda: contents(root)["b.py"][1] == ("edited",))


@pytest.mark.parametrize("rule", ["b.py", "/b.*", "b.py\n!a.py"])
async def test_the_option_may_change_between_starts(tmp_path: Path, rule: str) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    async with Workspace(root) as workspace:
        assert workspace.indexed() == ["a.py", "b.py"]
    async with Workspace(root, ignore=tuple(rule.split("\n"))) as workspace:
        assert workspace.indexed() == ["a.py"]
    async with Workspace(root) as workspace:
        assert workspace.indexed() == ["a.py", "b.py"]


async def test_the_text_of_an_editor_replaces_the_file_on_disk(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a"))
    async with Workspace(root) as workspace:
        uri = workspace.open(root / "a.py", DEF.format("opened"))
        await until(lambda: contents(root)["a.py"][1] == ("opened",))
        workspace.context.change(uri, 2, [Edit(4, 10, "typed"), Edit(0, 0, "# é\n")])
        await until(lambda: contents(root)["a.py"][1] == ("typed",))
        plant(root, {"a.py": DEF.format("saved")})
        workspace.context.files_changed([root / "a.py"])
        await workspace.settle()
        assert contents(root)["a.py"][1] == ("typed",)
        workspace.context.close_document(uri)
        await until(lambda: contents(root)["a.py"][1] == ("saved",))


async def test_an_open_document_that_is_not_on_disk_stays_in_the_index(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", functions("a"))
    async with Workspace(root) as workspace:
        uri = workspace.open(root / "new.py", DEF.format("new"))
        await workspace.until_indexed("a.py", "new.py")
        for hint in ("new.py", ".gitignore"):
            workspace.context.files_changed([root / hint])
            await workspace.settle()
            assert contents(root)["new.py"][1] == ("new",), hint
        workspace.context.close_document(uri)
        await workspace.until_indexed("a.py")


async def test_a_document_unsaved_at_the_end_is_read_from_disk_at_the_next_start(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", functions("a"))
    async with Workspace(root) as workspace:
        workspace.open(root / "a.py", DEF.format("typed"))
        await until(lambda: contents(root)["a.py"][1] == ("typed",))
    async with Workspace(root):
        assert contents(root)["a.py"][1] == ("a",)


async def test_definitions_of_other_files_are_gathered(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", {
        "shop.py": "def total_price(items, tax):\n    return sum(items) * tax\n",
        "secret.py": 'def connect_shop():\n    password = "hunter2!x"\n    return password\n',
    })  # fmt: skip
    text = "from shop import total_price\nfrom secret import connect_shop\nx = total_price("
    cursor = Cursor(Document(text, (root / "main.py").as_uri(), "python", 1), len(text))
    async with Workspace(root) as workspace:
        workspace.open(root / "main.py", text)
        gathered = await until_shown(workspace, cursor)
        (judgement, _) = await until_judged(workspace, cursor, ["1, 2)", "1, ]"])
    shown = "".join(snippet.text for snippet in gathered.snippets)
    assert (gathered.path, gathered.repository) == ("main.py", "w")
    assert "def total_price(items, tax)" in shown
    assert "hunter2" not in shown
    assert judgement.n_new_errors == 0


async def test_the_first_answer_uses_the_imports_of_the_document(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", {"shop.py": "def total_price(items): ...\n"})
    text = "from shop import total_price\n" + "x = 1\n" * 20_000
    cursor = Cursor(Document(text, (root / "main.py").as_uri(), "python", 1), len(text))
    async with Workspace(root) as workspace:
        workspace.open(root / "main.py", text)
        async with asyncio.timeout(60):
            while not (
                gathered := await workspace.context.gather(cursor, 2000, NOTHING)
            ).path:
                await asyncio.sleep(0)
    assert [each.path for each in gathered.snippets][-1:] == ["shop.py"]


async def test_text_that_the_prompt_shows_anyway_is_not_gathered(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", {"shop.py": "def total_price(): ...\n"})
    text = "def own():\n    return total_price()\n" + "\n" * 40 + "x = total_price("
    cursor = Cursor(Document(text, (root / "main.py").as_uri(), "python", 1), len(text))

    async def gathered(shown: range) -> set[str]:
        async with Workspace(root) as workspace:
            workspace.open(root / "main.py", text)
            await until(lambda: "main.py" in contents(root))
            snippets = (await until_shown(workspace, cursor, shown)).snippets
            return {snippet.path for snippet in snippets}

    end = range(len(text) - 20, len(text))
    assert await gathered(end) == {"main.py", "shop.py"}
    assert await gathered(range(len(text))) == {"shop.py"}


async def until_judged(
    workspace: Workspace, cursor: Cursor, texts: list[str]
) -> list[Judgement]:
    async with asyncio.timeout(60):
        while not (judged := await workspace.context.judge(cursor, texts)):
            await asyncio.sleep(0.01)
    return judged


async def test_recent_edits_elsewhere_are_gathered(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", {**functions("a", "b"), ".gitignore": "hidden.py\n"})
    cursor = Cursor(
        Document(DEF.format("b"), (root / "b.py").as_uri(), "python", 1), 24
    )
    async with Workspace(root) as workspace:
        workspace.open(root / "b.py", DEF.format("b"))
        names = ("hidden", "a")
        uris = [workspace.open(root / f"{name}.py", "# new\n") for name in names]
        await until(lambda: contents(root)["a.py"][0] == "# new")
        for name, uri in zip(names, uris, strict=True):
            edit = Edit(0, 0, f"password = 'hunter2!'  # \u2066{name}\U000e0041\n")
            workspace.context.change(uri, 2, [edit])
        await until(lambda: contents(root)["a.py"][0].startswith("password"))
        gathered = await workspace.context.gather(cursor, 2000, NOTHING)
    shown = "".join(snippet.text for snippet in gathered.snippets)
    assert f"password = '{REDACTED['PASSWORD']}'  # a" in shown
    assert "hidden" not in shown


async def test_edits_of_files_hidden_later_are_not_gathered(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    cursor = Cursor(Document("x = ", (root / "b.py").as_uri(), "python", 1), 4)
    async with Workspace(root) as workspace:
        uri = workspace.open(root / "a.py", "# new\n")
        await until(lambda: contents(root)["a.py"][0] == "# new")
        workspace.context.change(uri, 2, [Edit(0, 0, "edited = 1\n")])
        await until(lambda: contents(root)["a.py"][0].startswith("edited"))
        workspace.context.close_document(uri)
        plant(root, {"a.py": "edited = 1\n# new\n", ".gitignore": "a.py\n"})
        workspace.context.files_changed([root / ".gitignore"])
        await workspace.until_indexed("b.py")
        workspace.open(root / "b.py", "x = ")
        await until(lambda: contents(root)["b.py"][0] == "x = ")
        gathered = await workspace.context.gather(cursor, 2000, NOTHING)
    assert gathered.path == "b.py"
    assert gathered.snippets == ()


async def test_newly_hidden_files_disappear_from_the_kept_answer_too(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    cursor = Cursor(Document("a(", (root / "b.py").as_uri(), "python", 1), 2)
    async with Workspace(root) as workspace:
        workspace.open(root / "b.py", "a(")
        await until_shown(workspace, cursor)
        pid = workspace.context.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        assert (await workspace.context.gather(cursor, 2000, NOTHING)).snippets
        plant(root, {".gitignore": "a.py\n"})
        workspace.context.files_changed([root / ".gitignore"])
        hidden = await workspace.context.gather(cursor, 2000, NOTHING)
        os.kill(pid, signal.SIGCONT)
    assert hidden.snippets == ()


async def test_an_indexer_that_hangs_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "HANG_S", 0.5)
    root = plant(tmp_path / "w", functions("a", "b"))
    cursor = Cursor(Document("a(", (root / "b.py").as_uri(), "python", 1), 2)
    async with Workspace(root) as workspace:
        workspace.open(root / "b.py", "a(")
        hanging = workspace.context.pid
        assert hanging is not None
        os.kill(hanging, signal.SIGSTOP)
        await workspace.context.gather(cursor, 2000, NOTHING)
        await until(lambda: workspace.context.pid not in (None, hanging))
        await until_shown(workspace, cursor)


async def test_cells_of_the_same_notebook_are_gathered_without_their_secrets(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", {".gitignore": "n.ipynb\n", "n.ipynb": "{}", **functions("a")})  # fmt: skip
    one = "password = 'hunter2!'\ntable\u200b = load_\u202etable()\n"
    cells = {"one": one, "two": "x = ta"}
    uris = {name: f"vscode-notebook-cell:{root}/n.ipynb#{name}" for name in cells}
    cursor = Cursor(Document(cells["two"], uris["two"], "python", 1), 6)
    async with Workspace(root) as workspace:
        for name, text in cells.items():
            path = root / "n.ipynb"
            workspace.context.open(uris[name], path, "python", text, 1)
        async with asyncio.timeout(60):
            while not (gathered := await workspace.context.gather(cursor, 2000, NOTHING)).path:  # fmt: skip
                await asyncio.sleep(0.01)
        # The notebook is ignored: no other file's context has anything of it.
        assert workspace.indexed() == ["a.py"]
    (cell,) = gathered.cells
    assert readable(cell.text) == "password = '<PASSWORD>'\ntable = load_table()"
    assert cell.is_above


async def test_cells_keep_the_order_of_the_notebook_after_a_crash(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", functions("a"))
    uris = {name: f"vscode-notebook-cell:/n.ipynb#{name}" for name in "abcd"}
    cursor = Cursor(Document("c", uris["c"], "python", 1), 1)

    async def order(workspace: Workspace) -> str:
        gathered = await workspace.context.gather(cursor, 2000, NOTHING)
        return "".join(f"{cell.text}{'<' if cell.is_above else '>'}" for cell in gathered.cells)  # fmt: skip

    async with Workspace(root) as workspace:
        for name, uri in uris.items():
            workspace.context.open(uri, None, "python", name, 1)
        workspace.context.arrange("n.ipynb", [uris[name] for name in "dbca"])
        assert await order(workspace) == "d<b<a>"
        pid = workspace.context.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: workspace.context.pid not in (None, pid))
        async with asyncio.timeout(60):
            while await order(workspace) != "d<b<a>":
                await asyncio.sleep(0.01)


async def test_folders_come_and_go_while_indexing(tmp_path: Path) -> None:
    one = plant(tmp_path / "one", functions("a"))
    two = plant(tmp_path / "two", functions(*(f"f{n}" for n in range(40))))
    async with Workspace(one) as workspace:
        workspace.context.use_folders([one, two, two])
        workspace.context.use_folders([two])
        workspace.context.use_folders([one, two, tmp_path / "gone"])
        await until(lambda: len(contents(two)) == 40)
        await until_statistics(workspace, 41)
        workspace.context.use_folders([one])
        await until_statistics(workspace, 1)
        workspace.context.use_folders([])
        await until_statistics(workspace, 0)


async def until_statistics(workspace: Workspace, n_files: int) -> None:
    async with asyncio.timeout(60):
        while (await workspace.context.statistics()).n_files != n_files:
            await asyncio.sleep(0.01)


async def test_nested_folders_have_separate_indexes(tmp_path: Path) -> None:
    outer = plant(tmp_path / "outer", functions("a", "inner/b"))
    async with Workspace(outer, outer / "inner") as workspace:
        await workspace.until_indexed("a.py", "inner/b.py")
        await workspace.until_indexed("b.py", root=outer / "inner")
        document = Document(DEF.format("b"), (outer / "inner/b.py").as_uri())
        workspace.open(outer / "inner/b.py", document.text)
        async with asyncio.timeout(60):
            while not (gathered := await workspace.context.gather(Cursor(document, 3), 100, NOTHING)).path:  # fmt: skip
                await asyncio.sleep(0.01)
    assert (gathered.repository, gathered.path) == ("inner", "b.py")


async def test_a_folder_named_by_a_link_is_the_folder(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a"))
    link = tmp_path / "link"
    link.symlink_to("w")
    async with Workspace(root, link) as workspace:
        await until_statistics(workspace, 1)
    async with Workspace(link) as workspace:
        plant(root, functions("b"))
        workspace.context.files_changed([link / "b.py"])
        await workspace.until_indexed("a.py", "b.py")


async def test_a_removed_folder_is_not_used_as_context(tmp_path: Path) -> None:
    one, two = plant(tmp_path / "one", functions("a")), tmp_path / "two"
    plant(two, functions("total_price"))
    cursor = Cursor(Document("total_price(", (two / "b.py").as_uri(), "python", 1), 12)
    async with Workspace(one, two) as workspace:
        workspace.open(two / "b.py", cursor.document.text)
        await until_shown(workspace, cursor)
        workspace.context.use_folders([one])
        async with asyncio.timeout(60):
            while (await workspace.context.gather(cursor, 2000, NOTHING)).snippets:
                await asyncio.sleep(0.01)


async def until_shown(
    workspace: Workspace, cursor: Cursor, shown: range = NOTHING
) -> Gathered:
    async with asyncio.timeout(60):
        while not (
            gathered := await workspace.context.gather(cursor, 2000, shown)
        ).snippets:
            await asyncio.sleep(0.01)
    return gathered


async def until_placed(workspace: Workspace, cursor: Cursor) -> Gathered:
    """Return the first answer for a document after its place in the workspace is known."""
    async with asyncio.timeout(60):
        while not (
            gathered := await workspace.context.gather(cursor, 2000, NOTHING)
        ).path:
            await asyncio.sleep(0.01)
    return gathered


async def test_a_whole_disk_is_read_within_the_limits() -> None:
    async with Workspace(Path("/"), max_files=3) as workspace:
        statistics = await workspace.context.statistics()
    assert statistics.n_files == 3
    assert statistics.skipped["beyond index_max_files"] == 1


async def test_a_folder_that_is_empty_while_nothing_is_mounted_there(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    async with Workspace(root) as workspace:
        root.rename(tmp_path / "unmounted")
        root.mkdir()
        workspace.context.files_changed([root / ".gitignore"])
        await workspace.until_indexed()
        root.rmdir()
        (tmp_path / "unmounted").rename(root)
        workspace.context.files_changed([root / ".gitignore"])
        await workspace.until_indexed("a.py", "b.py")


async def test_a_folder_that_is_deleted_and_comes_back(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    async with Workspace(root) as workspace:
        root.rename(tmp_path / "moved")
        workspace.context.files_changed([root / "a.py", root / ".gitignore"])
        await workspace.settle()
        assert (await workspace.context.statistics()).skipped == {"unreadable": 1}
        (tmp_path / "moved").rename(root)
        plant(root, functions("c"))
        workspace.context.files_changed([root / "a.py", root / "c.py"])
        await workspace.until_indexed("a.py", "b.py", "c.py")


async def test_a_session_without_folders_works() -> None:
    async with asyncio.timeout(60):
        workspace = Workspace()
        workspace.context.use_folders([])
        workspace.context.start()
        while workspace.context.pid is None:
            await asyncio.sleep(0.01)
        workspace.open(Path("/nowhere/a.py"), "x = 1\n")
        cursor = Cursor(Document("x = 1\n", "file:///nowhere/a.py", "python", 1), 4)
        assert await until_judged(workspace, cursor, ["2"])
        assert (await workspace.context.statistics()).n_files == 0
        await workspace.context.close()


async def test_more_files_than_wanted_are_left_out(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a", "b", "c"))
    async with Workspace(root, max_files=2) as workspace:
        assert workspace.indexed() == ["a.py", "b.py"]
        statistics = await workspace.context.statistics()
    assert statistics.skipped["beyond index_max_files"] == 1


HOSTILE: dict[str, str | bytes | None] = {
    "brackets.py": "(" * 200_000,
    "lists.json": "\n".join(["["] * 100_000),
    "string.js": "var a = '" + "x\n" * 400_000,
    "bytes.c": bytes(range(1, 256)) * 4000,
    "tags.html": "<div>\n" * 100_000,
    "deep.kt": "fun f() { g(" * 20_000,
    "deep.pl": "s{{{{{{" * 20_000,
    "deep.sql": "SELECT (" * 60_000,
    "deep.rb": "%w(" * 60_000,
}


async def test_hostile_files_lose_only_their_own_symbols(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", {**HOSTILE, **functions("a", "z")})
    async with Workspace(root) as workspace:
        assert {"a.py", "z.py"} <= set(workspace.indexed())
        assert contents(root)["z.py"][1] == ("z",)


async def test_a_killed_indexer_is_started_again_with_its_whole_state(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", functions("a"))
    async with Workspace(root) as workspace:
        workspace.open(root / "a.py", DEF.format("typed"))
        await until(lambda: contents(root)["a.py"][1] == ("typed",))
        first = workspace.context.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: workspace.context.pid not in (None, first))
        await until(lambda: contents(root)["a.py"][1] == ("typed",))
        plant(root, functions("b"))
        workspace.context.files_changed([root / "b.py"])
        await workspace.until_indexed("a.py", "b.py")


def is_running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends what is stopped")
async def test_stopped_workers_end_with_their_indexer(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a"))
    async with Workspace(root) as workspace:
        workspace.open(root / "a.py", DEF.format("typed"))
        await until(lambda: contents(root)["a.py"][1] == ("typed",))
        indexer = workspace.context.pid
        assert indexer is not None
        workers = children_of(indexer)
        assert len(workers) >= 2
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        os.kill(indexer, signal.SIGKILL)
        await until(lambda: not any(map(is_running, workers)))


async def test_a_stopped_indexer_loses_context_but_no_time(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a"))
    async with Workspace(root) as workspace:
        pid = workspace.context.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        cursor = Cursor.marked("x█")
        assert (await workspace.context.gather(cursor, 100, NOTHING)).snippets == ()
        os.kill(pid, signal.SIGCONT)


async def test_several_servers_share_one_index(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    async with Workspace(root) as first:
        others = [Workspace(root) for _ in range(3)]
        for other in others:
            other.context.use_folders([root])
            other.context.start()
        for other in others:
            await until_statistics(other, 2)
            assert not (await other.context.statistics()).is_in_memory
        plant(root, functions("c"))
        first.context.files_changed([root / "c.py"])
        for other in others:
            await until_statistics(other, 3)
        for other in others:
            await other.context.close()


async def test_a_reader_takes_over_when_the_writer_is_gone(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a"))
    second = Workspace(root)
    async with Workspace(root):
        second.context.use_folders([root])
        second.context.start()
        await until_statistics(second, 1)
    plant(root, functions("b"))
    second.context.files_changed([root / "b.py"])
    await second.until_indexed("a.py", "b.py")
    await second.context.close()


def damage(root: Path) -> None:
    """Damage an index: only its first page stays."""
    file = file_of(str(root), cache_dir() / "index")
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)


async def test_a_damaged_index_is_rebuilt(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    async with Workspace(root):
        pass
    damage(root)
    async with Workspace(root) as workspace:
        await workspace.until_indexed("a.py", "b.py")


async def test_an_index_damaged_while_in_use_is_rebuilt(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a", "b"))
    async with Workspace(root):
        pass
    async with Workspace(root) as workspace:
        damage(root)
        plant(root, functions("c"))
        workspace.context.files_changed([root / "c.py"])
        await workspace.until_indexed("a.py", "b.py", "c.py")


async def test_an_index_deleted_while_in_use_is_rebuilt_at_the_next_start(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", functions("a"))
    async with Workspace(root) as workspace:
        shutil.rmtree(cache_dir() / "index")
        plant(root, functions("b"))
        workspace.context.files_changed([root / "b.py"])
        await until_statistics(workspace, 2)
    async with Workspace(root) as workspace:
        await workspace.until_indexed("a.py", "b.py")


async def test_without_a_home_the_index_lives_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STARCODER_LSP_CACHE", "/proc/none")
    root = plant(tmp_path / "w", functions("a"))
    async with Workspace(root) as workspace:
        statistics = await workspace.context.statistics()
    assert (statistics.n_files, statistics.is_in_memory) == (1, True)


async def test_a_flood_of_events_ends_in_the_same_index(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", functions("a"))
    async with Workspace(root) as workspace:
        for n in range(10):
            plant(root, {"a.py": DEF.format(f"f{n}"), f"n{n}.py": DEF.format("n"), f"n{n - 1}.py": None})  # fmt: skip
            workspace.context.files_changed(
                [root / f"n{m % 20}.py" for m in range(1000)]
            )
            workspace.context.files_changed([root / "a.py"] * 10)
        await workspace.until_indexed("a.py", "n9.py")
        await until(lambda: contents(root)["a.py"][1] == ("f9",))


NAMES = ("a.py", "b.py", "pkg/a.py", "pkg/b.py", "pkg/sub/c.py", "old/d.py")


def write(root: Path, chance: random.Random) -> None:
    plant(root, {chance.choice(NAMES): DEF.format(f"f{chance.randrange(99)}")})


def delete(root: Path, chance: random.Random) -> None:
    plant(root, {chance.choice(NAMES): None})


def save_atomically(root: Path, chance: random.Random) -> None:
    plant(root, {"pkg/aside": DEF.format("saved")})
    (root / "pkg/aside").replace(root / "pkg/a.py")


def edit_rules(root: Path, chance: random.Random) -> None:
    rules = chance.choice(("", "a.py\n", "pkg/\n", "*.py\n!b.py\n"))
    plant(root, {chance.choice((".gitignore", "pkg/.cursorignore")): rules})


def move_directory(root: Path, chance: random.Random) -> None:
    shutil.rmtree(root / "moved", ignore_errors=True)
    plant(root, {"pkg/b.py": DEF.format("b")})
    (root / "pkg").rename(root / "moved")


def delete_directory(root: Path, chance: random.Random) -> None:
    shutil.rmtree(root / "pkg", ignore_errors=True)


# What people and tools do to a workspace.
DISTURBANCES = (write, write, write, delete, save_atomically, edit_rules, move_directory, delete_directory)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
async def test_random_disturbances_end_in_the_index_of_a_fresh_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    root = plant(tmp_path / "w", {name: DEF.format("f") for name in NAMES})
    async with Workspace(root) as workspace:
        for _ in range(30):
            chance.choice(DISTURBANCES)(root, chance)
            files = [root / name for name in (*NAMES, ".gitignore", "pkg", "moved")]
            if chance.random() < 0.5:
                workspace.context.files_changed(chance.sample(files, 4))
            await asyncio.sleep(0)
        workspace.context.files_changed([root / ".gitignore"])
        monkeypatch.setenv("STARCODER_LSP_CACHE", str(tmp_path / "fresh"))
        async with Workspace(root):
            fresh = contents(root)
        monkeypatch.setenv("STARCODER_LSP_CACHE", str(tmp_path / "cache"))
        await until(lambda: contents(root) == fresh)


needs_git = pytest.mark.skipif(
    shutil.which("git") is None, reason="git is not installed"
)
N_CHECKED_OUT = 5000


def git(root: Path, *arguments: str) -> None:
    """Run git, but never in the repository whose hook runs the tests."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "gc.auto=0")
    subprocess.run(
        ["git", *identity, *arguments], cwd=root, check=True, capture_output=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
    )  # fmt: skip


@needs_git
@pytest.mark.timeout(600)  # it waits twice for LONG_PATIENCE_S
async def test_a_checkout_of_many_files_ends_in_the_index_of_a_fresh_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "w"
    root.mkdir()

    def name(n: int) -> str:
        return f"d{n % 50}/f{n}.py"

    git(root, "init", "-q", "-b", "one")
    plant(root, {name(n): f"def one{n}(): ...\n" for n in range(N_CHECKED_OUT)})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    git(root, "checkout", "-qb", "two")
    # Every file is changed, or is not there.
    plant(root, {name(n): None for n in range(N_CHECKED_OUT) if n % 10})
    plant(root, {name(n): f"def two{n}(): ...\n" for n in range(0, N_CHECKED_OUT, 10)})
    plant(root, {"only/two.py": "def two(): ...\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    async with Workspace(root) as workspace:
        checkout = asyncio.create_task(
            asyncio.to_thread(git, root, "checkout", "-q", "one")
        )
        while not checkout.done():
            # Also while it goes on there are hints, and looks at what is half there.
            workspace.context.files_changed([root / ".git" / "HEAD"])
            await asyncio.wait([checkout], timeout=0.1)
        await checkout
        workspace.context.files_changed([root / ".git" / "HEAD"])
        await until(lambda: n_indexed(root) == N_CHECKED_OUT, LONG_PATIENCE_S)
        monkeypatch.setenv("STARCODER_LSP_CACHE", str(tmp_path / "fresh"))
        async with Workspace(root, patience_s=LONG_PATIENCE_S):
            fresh = contents(root)
        monkeypatch.setenv("STARCODER_LSP_CACHE", str(tmp_path / "cache"))
        await until(lambda: contents(root) == fresh)
    assert fresh["d7/f7.py"] == ("def one7(): ...", ("one7",))


@needs_git
async def test_a_storm_of_stashes_ends_in_the_index_of_a_fresh_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"f{n}" for n in range(30)]
    root = plant(tmp_path / "w", functions(*names))
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    async with Workspace(root) as workspace:
        for n in range(10):
            plant(root, {f"{name}.py": DEF.format(f"{name}_{n}") for name in names[n:]})
            plant(root, {f"f{n}.py": None, **functions(f"new{n}")})
            git(root, "stash", "-qu")
            workspace.context.files_changed([root / f"f{n}.py", root / "f29.py"])
            await asyncio.sleep(0)
            git(root, "stash", "pop", "-q")
            workspace.context.files_changed([root / f"new{n}.py"])
        workspace.context.files_changed([root / ".git" / "HEAD"])
        monkeypatch.setenv("STARCODER_LSP_CACHE", str(tmp_path / "fresh"))
        async with Workspace(root):
            fresh = contents(root)
        monkeypatch.setenv("STARCODER_LSP_CACHE", str(tmp_path / "cache"))
        await until(lambda: contents(root) == fresh)
    assert fresh["f29.py"][1] == ("f29_9",)
    assert "f0.py" not in fresh


def test_a_document_has_a_relative_path_below_a_whole_disk(tmp_path: Path) -> None:
    file = plant(tmp_path.resolve(), {"a.py": ""}) / "a.py"
    request = {"path": str(file), "roots": ["/"], "extra": []}
    (place,) = worker_process.OPERATIONS["place"](request)
    assert (place["root"], f"/{place['path']}") == ("/", str(file))
    assert place["is_admitted"]


async def test_an_event_in_one_folder_does_not_concern_another(
    tmp_path: Path,
) -> None:
    one = plant(tmp_path / "one", functions("a"))
    other = plant(tmp_path / "other", functions("b"))
    async with Workspace(one, other) as workspace:
        plant(one, functions("c"))
        plant(other, functions("untold"))
        workspace.context.files_changed([one / "c.py"])
        await workspace.until_indexed("a.py", "c.py")
        assert workspace.indexed(other) == ["b.py"]
