"""Every kind of engine has all that the protocol names, in the same form."""

from __future__ import annotations

import inspect

import pytest

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.prompt import Window, families
from starcoder_lsp.engines import Engine
from starcoder_lsp.engines.llama.client import LlamaEngine
from starcoder_lsp.engines.remote.client import RemoteEngine
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import Cursor, Limits
from starcoder_lsp.settings import assemble

NAMES = [name for name in vars(Engine) if not name.startswith("_")]
KINDS: dict[str, type[Engine]] = {
    "llama": LlamaEngine,
    "remote": RemoteEngine,
    "scripted": ScriptedEngine,
}
VERBS = {"generate", "candidates", "score", "count_tokens"}


def form_of(kind: type[object], name: str) -> object:
    """The parameters of a method and how it is called; "value" for a property."""
    member = inspect.getattr_static(kind, name, None)
    if not callable(member):
        return "value"
    parameters = inspect.signature(member).parameters.values()
    is_awaited = inspect.iscoroutinefunction(member)
    return is_awaited, [(one.name, one.kind, one.default) for one in parameters]


def test_the_protocol_names_what_the_rest_of_the_program_needs() -> None:
    assert {"state", "speed", "start", "ready", "measured", "close"} | VERBS == {*NAMES}


def test_every_kind_that_settings_can_ask_for_is_tested_here() -> None:
    assert assemble.ENGINES.keys() <= KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_an_engine_has_what_the_protocol_names(kind: str, name: str) -> None:
    assert form_of(KINDS[kind], name) == form_of(Engine, name)


def test_settings_know_nothing_of_a_built_engine_but_the_protocol() -> None:
    built = inspect.signature(assemble.build_engine).return_annotation
    assert built == "Engine"


@pytest.mark.parametrize("family", ["starcoder2", "plain"])
async def test_an_engine_that_lacks_verbs_still_gives_its_suggestion(
    family: str,
) -> None:
    engine = ScriptedEngine(["1 + ", "2"])
    engine.unsupported = VERBS - {"generate"}
    completer = Completer(engine, families()[family], Window(1000, 200), Limits())
    found = await completer.alternatives(Cursor.marked("x = █\ny = 3\n"), 3)
    assert [one.text for one in found] == ["1 + 2"]
