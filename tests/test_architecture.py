"""The rules of ARCHITECTURE.md that a test can check: layers, sizes, loaded modules."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "starcoder_lsp"
FILES = sorted(PACKAGE.rglob("*.py"))

# The parts of each folder that holds folders, the lowest first. A part imports only from
# parts of lower rows, and never from a part of its own row.
LAYERS: Mapping[str, Sequence[set[str]]] = {
    "starcoder_lsp": (
        {"flow", "errors"},
        {"languages", "runtime"},
        {"models", "engines", "context"},
        {"completion"},
        {"settings"},
        {"suggesting"},
        {"lsp"},
        {"cli"},
        {"__main__"},
    ),
    "starcoder_lsp.completion": (
        {"prompt", "postprocess", "ranking"},
        {"probe", "trace"},
        {"completer"},
        {"characters_per_token"},
    ),
    "starcoder_lsp.context": (
        {"symbols"},
        {"messages"},
        {"files", "secrets", "syntax"},
        {"index"},
        {"resolve"},
        {"retrieve"},
        {"worker_process", "indexer"},
        {"client"},
    ),
    "starcoder_lsp.engines": (
        {"prompt_fit", "token_cache", "scripted"},
        {"llama", "remote"},
    ),
    "starcoder_lsp.engines.remote": (
        {"dialect", "pace", "stops", "running"},
        {"server"},
        {"trouble", "affinity", "first_use"},
        {"prompt", "transport", "answer"},
        {"probe"},
        {"requests"},
        {"link"},
        {"extras", "generation"},
        {"client"},
    ),
    "starcoder_lsp.engines.llama": (
        {"messages", "idle", "native"},
        {"rendezvous", "pending", "machine"},
        {"connection", "shared_engine", "decode"},
        # The two ends, which know each other by messages only.
        {"client", "process"},
    ),
    "starcoder_lsp.suggesting": (
        {"battery", "closing_brackets", "debounce", "trigger", "cache"},
        {"scheduler", "cache_keys", "ask", "cost", "outcomes"},
        {"known"},
        {"speculation"},
        {"suggester"},
    ),
    "starcoder_lsp.lsp": (
        {"time_slices", "shown_files"},
        {"documents", "messages"},
        {"settings", "client", "convert", "protocol", "own_files"},
        {"current_engine", "current_context"},
        {"ask_factory"},
        {"server"},
        {"answers", "document_handlers", "stdio"},
        {"handlers"},
    ),
    "starcoder_lsp.cli": (
        {"flags", "pace", "server_check", "terminal", "workspace"},
        {"model_advice", "own_models"},
        {
            "complete",
            "config",
            "context",
            "doctor",
            "eval",
            "index",
            "models",
            "serve",
            "setup",
            "stats",
        },
    ),
    "starcoder_lsp.cli.setup": (
        {"templates", "check", "writing"},
        {"forms"},
    ),
}
MAX_ROOT_ENTRIES = 12
MAX_FOLDER_MODULES = 15
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 60
HEAVY = ("numpy", "llama_cpp", "tree_sitter", "huggingface_hub", "httpx2", "rich")


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {module_of(file): file for file in FILES}


def imports_of(file: Path) -> Iterator[str]:
    """Yield the modules of this package that a file imports, at any place in the file."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)


def parts_in_common_folder(one: str, other: str) -> tuple[str, str, str]:
    """Return the deepest folder that holds both modules, and its part with each of them.

    >>> parts_in_common_folder("a.b.c", "a.b.d.e")
    ('a.b', 'c', 'd')
    """
    ours, theirs = one.split("."), other.split(".")
    depth = 0
    while depth < min(len(ours), len(theirs)) and ours[depth] == theirs[depth]:
        depth += 1
    part, their_part = (".".join(each[depth : depth + 1]) for each in (ours, theirs))
    return ".".join(ours[:depth]), part, their_part


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_look_down(module: str) -> None:
    for imported in imports_of(MODULES[module]):
        folder, here, there = parts_in_common_folder(module, imported)
        # A folder's __init__ and its parts may import each other.
        if folder in LAYERS and here and there:
            layer_of = {
                part: row for row, layer in enumerate(LAYERS[folder]) for part in layer
            }
            assert layer_of[there] < layer_of[here], f"imports {imported}"


def test_no_module_imports_itself_through_others() -> None:
    graph = {module: set(imports_of(file)) for module, file in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        pytest.fail(" imports ".join(reversed(exc.args[1])))


def test_the_table_of_layers_holds_every_part() -> None:
    for folder, layers in LAYERS.items():
        held = {
            module.split(".")[folder.count(".") + 1]
            for module in MODULES
            if module.startswith(f"{folder}.")
        }
        assert sorted(held) == sorted(part for layer in layers for part in layer)


def test_folders_have_few_modules() -> None:
    inside = Counter(file.parent for file in FILES if file.name != "__init__.py")
    crowded = {
        str(folder.relative_to(ROOT)): n_modules
        for folder, n_modules in inside.items()
        if n_modules > MAX_FOLDER_MODULES
    }
    assert crowded == {}
    root = {
        module.split(".")[1]
        for module in MODULES
        if "." in module and "__" not in module
    }
    assert len(root) <= MAX_ROOT_ENTRIES


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_stay_small(module: str) -> None:
    source = MODULES[module].read_text("utf-8")
    assert source.count("\n") <= MAX_MODULE_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < MAX_FUNCTION_LINES, node.name


def test_every_folder_has_a_docstring() -> None:
    for file in FILES:
        if file.name == "__init__.py":
            assert ast.get_docstring(ast.parse(file.read_text("utf-8"))), file


def test_the_front_process_loads_nothing_heavy() -> None:
    program = (
        "import sys, starcoder_lsp.lsp.handlers, starcoder_lsp.lsp.stdio;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_architecture_md_gives_a_reason_for_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    architecture = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for requirement in project["dependencies"]:
        name = requirement.split(">")[0].split("=")[0]
        assert f"`{name}`" in architecture, f"ARCHITECTURE.md has no reason for {name}"


DOCUMENTS = [ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs" / "design").glob("*.md"))]
SOURCE_FILE = re.compile(r"`((?:[\w-]+/)*[\w-]+\.(?:py|toml))`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_documents_name_only_files_that_exist(document: Path) -> None:
    folders = ("starcoder_lsp", "tests", "benchmarks")
    files = [f"/{file}" for folder in folders for file in (ROOT / folder).rglob("*.*")]
    files += ["/models.toml", "/.starcoder.toml"]
    for name in SOURCE_FILE.findall(document.read_text("utf-8")):
        assert any(file.endswith(f"/{name}") for file in files), name


def test_reliability_names_only_tests_that_exist() -> None:
    promised = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    tests = "".join(
        file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py")
    )
    defined = set(re.findall(r"def (test_\w+)", tests))
    assert set(re.findall(r"`(test_\w+)`", promised)) <= defined


def test_a_class_name_has_one_meaning_in_the_whole_package() -> None:
    names = Counter(
        node.name
        for file in MODULES.values()
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, n_classes in names.items() if n_classes > 1] == []
