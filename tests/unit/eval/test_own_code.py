"""Places are cut out of lines that the last commits added."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from starcoder_lsp.cli.eval import mine
from starcoder_lsp.cli.eval.journal import Journal
from starcoder_lsp.cli.eval.measures import own_code
from starcoder_lsp.cli.eval.measures.own_code import OwnPlace
from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.prompt import Window, families
from starcoder_lsp.context import NoContext
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Cursor, Document, Limits
from starcoder_lsp.settings.options import Settings

OLD = "def load(path):\n    return path.read_text()\n"
NEW = OLD + "\n\ndef save(path, text):\n    checked(text)\n    path.write_text(text)\n"


def commit(repository: Path, text: str) -> None:
    (repository / "store.py").write_text(text)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for arguments in (("add", "."), (*identity, "commit", "-qm", "change")):
        subprocess.run(["git", "-C", str(repository), *arguments], check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    commit(tmp_path, OLD)
    commit(tmp_path, NEW)
    return tmp_path


def pictures(found: list[OwnPlace], kind: str) -> set[tuple[str, str]]:
    """The cursor's line and the wanted text of each place of a kind."""
    return {
        (f"{one.cursor.line_prefix}█{one.cursor.line_suffix}", one.wanted)
        for one in found
        if one.kind == kind
    }


def test_lines_of_the_last_commit_are_cut_whole(repository: Path) -> None:
    found = own_code.places(repository, 1, 100, seed=0)
    assert pictures(found, "line") <= {
        ("█", "def save(path, text):"),
        ("    █", "checked(text)"),
        ("    █", "path.write_text(text)"),
    }
    for place in found:
        cursor = place.cursor
        assert cursor.prefix + place.wanted + cursor.suffix == NEW


def test_a_body_is_wanted_below_the_line_that_opens_it(repository: Path) -> None:
    found = [
        place for seed in range(5) for place in own_code.places(repository, 1, 9, seed)
    ]
    wanted = "checked(text)\n    path.write_text(text)"
    assert pictures(found, "block") == {("    █", wanted)}


def test_a_new_repository_is_measured_from_its_first_commit(repository: Path) -> None:
    found = own_code.places(repository, 50, 100, seed=0)
    assert {one.cursor.prefix.count("\n") for one in found} - {4, 5, 6} != set()


def test_the_same_seed_cuts_the_same_places(repository: Path) -> None:
    one, other = (own_code.places(repository, 1, 5, seed=3) for _ in range(2))
    assert [place.name for place in one] == [place.name for place in other]


def test_a_folder_without_history_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a git repository"):
        own_code.places(tmp_path, 5, 5, seed=0)


def test_a_repository_of_other_files_is_named(repository: Path) -> None:
    (repository / ".gitignore").write_text("store.py\n")
    with pytest.raises(ConfigError, match="added no code"):
        own_code.places(repository, 1, 5, seed=0)


async def test_texts_and_probabilities_are_compared_with_what_stands_there(
    tmp_path: Path,
) -> None:
    uri = (tmp_path / "a.py").as_uri()
    cursor = Cursor(Document("x = \n", uri, "python"), 4)
    place = OwnPlace(Path("a.py"), "rest", cursor, "load(path)")
    engine = ScriptedEngine(["load(file)"])
    completer = Completer(engine, families()["smollm2"], Window(1000, 1000), Limits())
    entry = await mine.measured(completer, NoContext(), place)
    assert (entry["exact"], entry["identifier_match"]) == (False, 0.5)
    assert entry["text"] == "load(file)"
    # The script finds each character as likely as one nat.
    assert entry["bits_per_character"] == 1.4427


def test_two_settings_are_compared_place_by_place(tmp_path: Path) -> None:
    document = Document("", (tmp_path / "a.py").as_uri(), "python")
    found = [
        OwnPlace(Path(f"{i}.py"), "line", Cursor(document, 0), "x") for i in range(4)
    ]
    one, other = (mine.Variant(name, Settings()) for name in ("a", "b"))
    journal = Journal(None, {})
    for i, place in enumerate(found):
        for variant, exact in ((one, True), (other, i < 2)):
            entry = {"exact": exact, "edit_similarity": 1.0, "identifier_match": 1.0}
            journal.add(mine._key(variant, place), {**entry, "ms": 1.0, "text": ""})
    figures = mine.summary([one, other], found, journal)
    assert (figures["a"]["exact"], figures["b"]["exact"]) == (1.0, 0.5)
    assert figures["a minus b"]["exact"] == 0.5
