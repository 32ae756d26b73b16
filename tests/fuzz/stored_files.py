"""Files that we read back: a GGUF header, an index, a saved KV state; each damaged."""

from __future__ import annotations

import struct
import tempfile
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from fuzz import values
from starcoder_lsp.context.index.database import file_of
from starcoder_lsp.context.index.entry import entry_of
from starcoder_lsp.context.index.folder import FileState, Folder
from starcoder_lsp.context.index.reader import DefinitionSite
from starcoder_lsp.context.symbols import Definition, Symbols
from starcoder_lsp.engines.llama.machine.gguf import read_header
from starcoder_lsp.engines.llama.process.kv_files import KvFiles
from starcoder_lsp.errors import ModelBroken

ROOT = "/project"
KEY = "key"
N_FILES = 12
# Damage may show with the second or third use; then the index is new.
N_TRIES = 4
STATE = bytes(range(256)) * 8
# Beside the file itself: Python's own objects, and the longest text of a header.
MEMORY_BYTES = 4 << 20


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf_header(random: Random) -> bytes:
    """A header as models have it, in a random order of its entries."""
    entries = [
        _string("general.architecture") + struct.pack("<I", 8) + _string("starcoder2"),
        *(
            _string(f"starcoder2.{key}") + struct.pack("<II", 4, number)
            for key, number in (
                ("block_count", 30),
                ("context_length", 16384),
                ("embedding_length", 3072),
                ("attention.head_count", 24),
                ("attention.head_count_kv", 2),
            )
        ),
        _string("general.list") + struct.pack("<IIQ", 9, 5, 3) + struct.pack("<3i", 1, 2, 3),
        _string("x.float") + struct.pack("<Id", 12, 0.5),
        _string("x.bool") + struct.pack("<IB", 7, 1),
    ]  # fmt: skip
    random.shuffle(entries)
    entries.append(
        _string("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 1) + _string("a")
    )
    return b"GGUF" + struct.pack("<IQQ", 3, 1, len(entries)) + b"".join(entries)


def make_gguf(random: Random) -> bytes:
    return values.damaged(random, gguf_header(random))


def check_gguf(case: bytes) -> int:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.gguf")
        file.write_bytes(case)
        tracemalloc.start()
        try:
            with suppress(ModelBroken):
                header = read_header(file)
                assert header.kv_values_per_token >= 0 or header.n_blocks < 0
                assert isinstance(header.n_context_trained, int)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < MEMORY_BYTES + 50 * len(case), "memory beyond all measure"
    return 1


def entry(n: int) -> Any:
    text = (
        f"import os\n\ndef function_{n}(argument):\n    return other_{n} + 'é😀'\n" * 9
    )
    line = Definition(
        f"function_{n}", "function", 2, 3, 3, f"def function_{n}(argument)"
    )
    return entry_of(text, Symbols("python", (line,)))


@cache
def _index() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name, "index")
        folder = Folder(ROOT, cache)
        for n in range(N_FILES):
            folder.put(f"src/{n}.py", FileState(str(n), str(n)), entry(n))
        folder.close()
        return file_of(ROOT, cache).read_bytes()


def make_index(random: Random) -> list[Any]:
    """Changes to a healthy index: places in thousandths of the file, and bytes."""
    changes: list[Any] = []
    for _ in range(random.choice((1, 1, 3, 20))):
        place = random.choice((random.random(), random.random() * 0.01, 0.0))
        change = values.damaged(random, bytes(random.choice((1, 4, 16, 400))), 2)
        changes.append([place, change.decode("latin-1")])
    if random.random() < 0.2:
        changes.append([random.random(), None])
    return changes


def check_index(case: list[Any]) -> int:
    """A damaged index answers or is empty; what is written next is found again."""
    raw = _index()
    for place, change in case:
        at = int(place * len(raw))
        new = (change or "").encode("latin-1")
        raw = raw[:at] if change is None else raw[:at] + new + raw[at + len(new) :]
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name, "index")
        Folder(ROOT, cache).close()
        file_of(ROOT, cache).write_bytes(raw)
        folder = Folder(ROOT, cache)
        for use in USES:
            folder.look_up(use, None)
        folder.languages(), folder.n_definitions(), folder.left_out()
        for n in range(3):
            folder.put(f"src/{n}.py", FileState("new", "new"), entry(n + 100))
        folder.remove(["src/5.py"])
        folder.commit()
        folder.look_up(USES[0], None)
        assert any(_found_again(folder, n) for n in range(N_TRIES)), "nothing is kept"
        folder.close()
        again = Folder(ROOT, cache)
        assert any(_found_again(again, n) for n in range(N_TRIES)), "nothing is kept"
        again.close()
    return 1


def _found_again(folder: Folder, n: int) -> bool:
    """Write a file and search it; false if damage that shows only now took it along."""
    folder.put(f"new{n}.py", FileState("new", "new"), entry(99 + n))
    nothing: list[DefinitionSite] = []
    sites = folder.look_up(
        lambda index: index.definitions(f"function_{99 + n}"), nothing
    )
    text = folder.look_up(lambda index: index.text(f"new{n}.py"), "")
    assert text in ("", entry(99 + n).text), "a text changed"
    return bool(text) and [site.path for site in sites] == [f"new{n}.py"]


USES: tuple[Callable[[Any], Any], ...] = (
    lambda index: [one.text for one in index.search({"function_3": 1.0, "other": 0.5}, 9)],
    lambda index: [index.symbols(f"src/{n}.py") for n in range(N_FILES)],
    lambda index: index.definitions("function_4"),
    lambda index: index.members_in_folder("src", "A"),
    lambda index: [index.text(f"src/{n}.py") for n in range(N_FILES)],
)  # fmt: skip


def make_state(random: Random) -> bytes:
    return values.damaged(random, _saved()[1])


@cache
def _saved() -> tuple[str, bytes]:
    """The name and the content of a saved state."""
    with tempfile.TemporaryDirectory() as name:
        KvFiles(Path(name, "states"), 1 << 20).keep(KEY, [1, 2, 3], STATE)
        (file,) = Path(name, "states").iterdir()
        return file.name, file.read_bytes()


def check_state(case: bytes) -> int:
    """A saved state is found as it was, or not at all."""
    with tempfile.TemporaryDirectory() as name:
        Path(name, _saved()[0]).write_bytes(case)
        found = KvFiles(Path(name), 1 << 20).find(KEY)
        assert found is None or (found[0], bytes(found[1])) == ([1, 2, 3], STATE)
    return 1
