"""Settings: files of any content are read or refused, and a project only restricts."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from fuzz import messages, values
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.settings.files import read_file
from starcoder_lsp.settings.options import OPTIONS
from starcoder_lsp.settings.resolve import Layer, resolve

FILE = b"""\xef\xbb\xbf# comment
model = "starcoder2-3b"
max_tokens = 64\r
disabled_languages = ["a", 'b', \"\"\"c\"\"\"]
enabled = true
date = 1979-05-27T07:32:00Z
number = [0x1f, 1_000, -inf, 1e5]
[table.a."b c"]
x = {y = 1, z = [{}]}
[[list]]
"""
HOSTILE = (
    b"a" * 5000, b"[" * 3000, b"9" * 5000, b"[" + b"a." * 3000 + b"a]\n", b"{a=" * 500,
    b"x." * 3000 + b"y = 1\n", b'"""' * 1000, b"[[a]]\n" * 2000, b"\\U0010FFFF" * 500,
)  # fmt: skip
SOURCES = ("user", "editor", "flags")
# More of these costs or reveals more, so that a project may only have less.
COSTS = (
    "alternatives", "max_tokens", "time_budget_ms", "latency_target_ms",
    "max_prompt_tokens", "index_max_files", "enabled", "context",
)  # fmt: skip
WITHHOLDS = ("disabled_languages", "disabled_paths", "skip_in", "ignore")
VALUES: dict[str, tuple[Any, ...]] = {
    "model": ("smollm2-135m", "starcoder2-3b"), "model_path": ("/m.gguf", "~/m.gguf"),
    "download": ("ask", "always", "never"), "alternatives": (1, 3, 5),
    "max_tokens": (1, 96, 1024), "time_budget_ms": (50, 3000, 60_000),
    "latency_target_ms": (20, 500, 60_000), "max_prompt_tokens": (64, 4096, 16_384),
    "index_max_files": (1, 20_000, 1_000_000), "enabled": (True, False),
    "context": (True, False), "disabled_languages": (["a"], ["b", "c"], []),
    "disabled_paths": (["*.env"], []), "skip_in": (["comments"], ["strings"], []),
    "ignore": (["x"], ["y"], []), "debounce_ms": (0, 40, 2000), "disabled_rules": (["scope"], ["hidden_characters"]),
    "hide_secrets": (True, False), "log_file": ("/tmp/log",), "threads": (0, 8),
    "statistics": (True, False), "shared_engine": (True, False), "url": ("x",),
}  # fmt: skip


def make_file(random: Random) -> bytes:
    raw = FILE
    if random.random() < 0.2:
        at = random.choice([i for i, one in enumerate(raw) if one == 10]) + 1
        raw = raw[:at] + random.choice(HOSTILE) * random.choice((1, 10)) + raw[at:]
    return values.damaged(random, raw)


def check_file(case: bytes) -> int:
    """Only ConfigError leaves `read_file`, and what it returns can be resolved."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "config.toml")
        file.write_bytes(case)
        with suppress(ConfigError):
            resolve([Layer("x", read_file(file), is_project=bool(len(case) % 2))])
    return 1


def make_layers(random: Random) -> dict[str, Any]:
    return {source: _layer(random) for source in ("project", *SOURCES)}


def _layer(random: Random) -> dict[str, Any]:
    names = random.sample(list(VALUES), random.randint(0, 8))
    layer = {name: random.choice(VALUES[name]) for name in names}
    if random.random() < 0.3:
        layer[random.choice(list(OPTIONS))] = random.choice(values.ODD)
    if random.random() < 0.1:
        layer |= messages.options(random) or {}
    return layer


def check_layers(case: dict[str, Any]) -> int:
    user, editor, flags = (Layer(name, case.get(name, {})) for name in SOURCES)
    project = Layer("project", case.get("project", {}), is_project=True)
    alone = resolve([user, editor, flags])
    beside = resolve([user, project, editor, flags])
    before, after = alone.values, beside.values
    for name, option in OPTIONS.items():
        if option.project is None and name != "download":
            assert after[name] == before[name], f"a project sets {name}"
        if after[name] == before[name] or alone.origins[name] == "default":
            continue
        assert name not in COSTS or after[name] < before[name], f"more {name}"
        assert name != "debounce_ms" or after[name] > before[name], "asked sooner"
        if name in WITHHOLDS:
            assert {*after[name]} >= {*before[name]}, f"less {name}"
    assert "hidden_characters" not in {*after["disabled_rules"]} - {
        *before["disabled_rules"]
    }
    order = ("never", "ask", "always")
    assert order.index(after["download"]) <= order.index(before["download"])
    if after["model"] != before["model"]:
        assert after["download"] != "always", "a project makes us download"
        assert after["model_path"] is None, "a project says what a user's file is"
    return 1
