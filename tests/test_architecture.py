"""The house rules that a machine can check: layers, sizes, what must not be loaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "starcoder_lsp"
MODULES = sorted(PACKAGE.rglob("*.py"))

# A module imports only from lower layers; inside a folder, from its siblings too.
LAYERS = (
    {"flow", "errors"},
    {
        "paths",
        "private",
        "lines",
        "log",
        "newest",
        "frames",
        "link",
        "child",
        "parent_watch",
        "garbage",
    },
    {"options", "config", "languages"},
    {"context", "prompt", "engines", "postprocess", "cache", "models"},
    {
        "density",
        "freeze",
        "power",
        "ranking",
        "rhythm",
        "statistics",
        "trace",
        "trigger",
    },
    {"completer", "schedule", "fates"},
    {"ahead", "ask", "spots"},
    {"assemble", "suggest"},
    {"lsp", "evaluate"},
    {"cli", "__main__"},
)
# These siblings build on each other inside one layer.
WITHIN_LAYER = {
    ("child", "frames"),
    ("child", "link"),
    ("child", "parent_watch"),
    ("link", "frames"),
    ("config", "options"),
    ("__main__", "cli"),
}
HEAVY = ("numpy", "llama_cpp", "tree_sitter", "huggingface_hub", "httpx2", "rich")
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 60


def part_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from names if node.module == "starcoder_lsp" else [node.module]
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_imports_only_look_down(module: Path) -> None:
    here = part_of(module)
    if here == "__init__":
        return
    layer_of = {part: i for i, layer in enumerate(LAYERS) for part in layer}
    for name in imports_of(module):
        parts = name.split(".")
        if parts[0] != "starcoder_lsp" or parts[1] in (here, "__version__"):
            continue
        is_lower = layer_of[parts[1]] < layer_of[here]
        assert is_lower or (here, parts[1]) in WITHIN_LAYER, f"imports {name}"


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_modules_and_functions_stay_small(module: Path) -> None:
    source = module.read_text("utf-8")
    assert source.count("\n") <= MAX_MODULE_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < MAX_FUNCTION_LINES, node.name


def test_the_front_process_loads_nothing_heavy() -> None:
    program = (
        "import sys, starcoder_lsp.lsp.handlers, starcoder_lsp.lsp.stdio;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    architecture = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for requirement in project["dependencies"]:
        name = requirement.split(">")[0].split("=")[0]
        assert f"`{name}`" in architecture, f"ARCHITECTURE.md says nothing of {name}"
