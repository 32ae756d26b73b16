"""One value that nobody knows costs itself, and none of what stands beside it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import converters, types

from starcoder_lsp.lsp.messages.tolerant import tolerated

CLIENTS = sorted((Path(__file__).parents[2] / "data" / "clients").glob("*.json"))
CONVERTER = converters.get_converter()
KEPT: dict[str, dict[str, Any]] = {
    "general": {"positionEncodings": ["utf-8"]},
    "textDocument": {"inlineCompletion": {"dynamicRegistration": True}},
    "window": {"workDoneProgress": True},
    "workspace": {
        "configuration": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
}


def read(capabilities: Any) -> Any:
    found = tolerated(CONVERTER, capabilities, types.ClientCapabilities)
    return CONVERTER.unstructure(
        CONVERTER.structure(found or {}, types.ClientCapabilities)
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"textDocument": {"codeAction": {"resolveSupport": 7}}},
        {"textDocument": {"completion": {"completionItem": {"tagSupport": {"valueSet": [99]}}}}},
        {"general": {"staleRequestSupport": "yes"}},
        {"window": {"showMessage": {"messageActionItem": {"additionalPropertiesSupport": []}}}},
        {"workspace": {"symbol": {"symbolKind": {"valueSet": ["a"]}}}},
        {"notebookDocument": 7},
    ],
)  # fmt: skip
def test_beside_a_value_that_nobody_knows_all_others_are_kept(odd: Any) -> None:
    capabilities = copy.deepcopy(KEPT)
    for section, value in odd.items():
        if isinstance(value, dict):
            capabilities[section].update(value)
        else:
            capabilities[section] = value
    found = read(capabilities)
    for section, kept in KEPT.items():
        assert kept.items() <= found[section].items()


def places(value: Any) -> Iterator[list[str]]:
    """The path of each value inside of objects."""
    for key, part in value.items() if isinstance(value, dict) else ():
        yield [key]
        for path in places(part):
            yield [key, *path]


@pytest.mark.parametrize("file", CLIENTS, ids=lambda file: file.stem)
def test_a_damaged_capability_of_a_real_client_hides_no_section(file: Path) -> None:
    recorded = json.loads(file.read_text("utf-8"))["capabilities"]
    whole = read(recorded)
    paths = [path for path in places(recorded) if len(path) == 2]
    for section, key in paths:
        damaged = copy.deepcopy(recorded)
        damaged[section][key] = [[7]]
        kept = read(damaged)
        for other in whole:
            without = {k: v for k, v in whole[other].items() if (other, k) != (section, key)}  # fmt: skip
            found = {k: v for k, v in kept.get(other, {}).items() if (other, k) != (section, key)}  # fmt: skip
            assert found == without


@pytest.mark.parametrize("capabilities", [None, 7, [], "text"])
def test_capabilities_that_are_none_are_empty(capabilities: Any) -> None:
    assert read(capabilities) == {}
