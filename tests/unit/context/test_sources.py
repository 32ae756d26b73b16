"""A source of context is one module and one row, whatever it needs."""

from __future__ import annotations

import pytest

from starcoder_lsp.context.index.reader import Index, index_in_memory
from starcoder_lsp.context.retrieve import gather as gathering
from starcoder_lsp.context.retrieve.excerpts import Excerpt, numbered
from starcoder_lsp.context.retrieve.gather import Source, gather, new_memories
from starcoder_lsp.context.retrieve.scene import Scene
from starcoder_lsp.context.symbols import Symbols

HERE = Scene("here.py", "", 0, Symbols("python"))


class Diary:
    """Remembers the last text of each file."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def changed(self, path: str, before: str, after: str) -> None:
        self.texts[path] = after

    def forget(self, path: str) -> None:
        del self.texts[path]


def from_diary(scene: Scene, index: Index, diary: Diary) -> list[Excerpt]:
    return [
        Excerpt(path, numbered(0, text), "diary") for path, text in diary.texts.items()
    ]


def test_a_source_with_a_memory_is_a_row_of_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "SOURCES", {"diary": Source(from_diary, Diary)})
    index, memories = index_in_memory(), new_memories()

    def paths() -> list[str]:
        found = gather(HERE, index, 1000, memories=memories, sources=("diary",))
        return [each.path for each in found]

    assert paths() == []
    memories["diary"].changed("a.py", "", "total = 1")
    assert paths() == ["a.py"]
    memories["diary"].forget("a.py")
    assert paths() == []
    assert gather(HERE, index, 1000, sources=("diary",)) == []
