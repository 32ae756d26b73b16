"""A sample of every language, and the definitions and imports that are found in it.

`expected.toml` has a row per sample: definitions as `kind container.name`, imports as
`module: name as alias`, and some of the references as `kind name`. After a change on
purpose write it anew with `python tests/unit/context/test_samples.py`, and read the
difference.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from starcoder_lsp.context.symbols import Import, Symbols
from starcoder_lsp.context.syntax import ParsedDocument
from starcoder_lsp.languages import language_of, languages

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
EXPECTED = SAMPLES / "expected.toml"
MOST_USED = (
    *("python", "javascript", "typescript", "typescriptreact", "java", "c", "cpp"),
    *("csharp", "go", "rust", "php", "ruby", "kotlin", "swift", "scala", "lua"),
    *("shellscript", "sql", "html", "css", "dart", "elixir", "haskell", "julia", "r"),
)
FILES = sorted(path for path in SAMPLES.iterdir() if path != EXPECTED)


def found_in(path: Path) -> tuple[str, Symbols]:
    source = path.read_bytes()
    language = language_of(path, source.decode().partition("\n")[0])
    document = ParsedDocument(language, source, budget_ms=10_000)
    return language, replace(document.symbols(), references=document.references())


def written(one: Import) -> str:
    pairs = zip(one.names or ("",), one.aliases or ("",), strict=True)
    names = [
        name if alias in ("", name) else f"{name} as {alias}" for name, alias in pairs
    ]
    return f"{one.module}: {', '.join(names)}".removesuffix(": ").replace(
        ":  as ", " as "
    )


def row(symbols: Symbols) -> dict[str, list[str]]:
    return {
        "definitions": [f"{d.kind} {d.qualified_name}" for d in symbols.definitions],
        "imports": [written(one) for one in symbols.imports],
        "references": sorted({f"{r.kind} {r.name}" for r in symbols.references}),
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_definitions_and_imports_of_a_sample_are_found(path: Path) -> None:
    expected = tomllib.loads(EXPECTED.read_text("utf-8"))[path.name]
    language, symbols = found_in(path)
    assert language == expected.pop("language")
    assert symbols.is_complete
    assert expected == {key: row(symbols)[key] for key in expected}


def test_every_language_with_a_grammar_has_a_sample() -> None:
    sampled = {found_in(path)[0] for path in FILES}
    assert {name for name, one in languages().items() if one.grammar} == sampled
    assert len(sampled) >= 80


def test_the_most_used_languages_have_queries_of_their_own() -> None:
    assert len(MOST_USED) == 25
    assert all(languages()[name].queries for name in MOST_USED)


def write_expected() -> None:
    lines = []
    for path in FILES:
        language, symbols = found_in(path)
        lines += [f'["{path.name}"]', f'language = "{language}"']
        for key, values in row(symbols).items():
            is_used = values and (key == "definitions" or language in MOST_USED)
            inside = "".join(f"  '''{value}''',\n" for value in values)
            lines += [f"{key} = [\n{inside}]"] if is_used else []
        lines.append("")
    EXPECTED.write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    write_expected()
