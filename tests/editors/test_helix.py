"""The entry in the completion menu of a real Helix, beside a faster server."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from editors.driver import binaries
from editors.tmux import Terminal

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HELIX = next(iter(binaries("STARCODER_LSP_TEST_HELIX", "hx", "helix")), None)
NEIGHBOUR = [
    "env",
    f"PYTHONPATH={HERE.parent}",
    sys.executable,
    str(HERE / "neighbour_server.py"),
]
SCRIPTED = [sys.executable, "-P", str(HERE / "scripted_starcoder.py")]
# The first lines of the file that is edited.
ABOVE = "def multiply(a, b):\n    return a * b\n\n\n"
LINE = ABOVE.count("\n") + 1

pytestmark = pytest.mark.skipif(
    HELIX is None or shutil.which("tmux") is None,
    reason="no Helix or no tmux: install them or set STARCODER_LSP_TEST_HELIX",
)

OpenHelix = Callable[..., Terminal]


def documented_settings() -> str:
    """Return the lines for languages.toml that docs/editors.md tells users to write."""
    page = (ROOT / "docs" / "editors.md").read_text("utf-8")
    blocks = page.split("```")[1::2]
    (block,) = [one for one in blocks if "[language-server.starcoder]" in one]
    return block.removeprefix("toml\n")


def script(path: Path, command: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexec {shlex.join(command)}\n")
    path.chmod(0o755)


@pytest.fixture
def open_helix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenHelix]:
    """Open a file in Helix, with the documented settings, `pylsp` and a scripted model."""
    opened: list[Terminal] = []

    def start(line: str, seconds: float, *, is_alone: bool = False) -> Terminal:
        assert HELIX is not None
        home, bin_folder = tmp_path / "home", tmp_path / "bin"
        if not is_alone:
            script(bin_folder / "pylsp", NEIGHBOUR)
        is_ready = tmp_path / "ready"
        command = [*SCRIPTED, line, str(seconds), str(is_ready)]
        script(bin_folder / "starcoder-lsp", command)
        config = home / ".config" / "helix"
        config.mkdir(parents=True)
        ours = str(bin_folder / "starcoder-lsp")
        settings = documented_settings()
        named = settings.split('command = "')[1].split('"')[0]
        (config / "languages.toml").write_text(settings.replace(named, ours))
        (tmp_path / "a.py").write_text(ABOVE)
        monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
        opened.append(Terminal(home, tmp_path, HELIX, "a.py"))
        opened[-1].until(lambda screen: "def multiply" in screen and is_ready.exists())
        opened[-1].press("g", "e", "o")
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def line_of(screen: str) -> str:
    """Return the edited line, as the screen shows it with the preview."""
    lines = [line.strip() for line in screen.splitlines()]
    shown = [line for line in lines if line.startswith(f"{LINE} ")]
    return shown[0].partition(" ")[2].strip() if shown else ""


def entries(screen: str) -> list[str]:
    """Return the entries of the menu: those of functions, and ours."""
    kinds = (" function", " text")
    return [line for line in screen.splitlines() if line.rstrip().endswith(kinds)]


@pytest.mark.parametrize(
    ("typed", "suggested", "n_down", "wanted"),
    [
        ("print(", "print(a + b)", 2, "print(multiply"),
        ("print(", "print(a + b)", 3, "print(substitute"),
        ("print(su", "print(subtotal(a))", 1, "print(substitute"),
        ("print(", "print(add(1, 2))", 1, "print(add"),
    ],
)
def test_an_entry_that_arrives_late_moves_no_selection(
    open_helix: OpenHelix, typed: str, suggested: str, n_down: int, wanted: str
) -> None:
    helix = open_helix(suggested, 1.5)
    helix.type(typed)
    helix.until(lambda screen: "substitute" in screen)
    helix.press(*["C-n"] * n_down)
    selected = line_of(helix.until(lambda screen: wanted in line_of(screen)))
    helix.until(lambda screen: "★" in screen)
    helix.press("Enter")
    helix.until(lambda screen: "substitute  " not in screen)
    assert line_of(helix.screen()) == selected


def test_the_entry_stays_while_the_user_types_on_and_can_be_inserted(
    open_helix: OpenHelix,
) -> None:
    helix = open_helix("import math", 0.5)
    helix.type("import ")
    helix.until(lambda screen: "★ math" in screen)
    for _ in range(2):
        helix.type("m" if "import m" not in line_of(helix.screen()) else "a")
        helix.until(lambda screen: "★ math" in screen)
    helix.press("C-p")
    helix.until(lambda screen: line_of(screen).startswith("import math"))
    helix.press("Enter", "Escape")
    helix.until(lambda screen: line_of(screen) == "import math")


def test_an_answer_that_arrives_after_typing_on_is_shown(
    open_helix: OpenHelix,
) -> None:
    # Beside a server whose entries no longer fit, Helix closes the menu for all of them.
    helix = open_helix("import math", 1.5, is_alone=True)
    helix.type("import ma")
    helix.until(lambda screen: "★ math" in screen)
