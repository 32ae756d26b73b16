"""A file of the user's without a `model` is recognised, tried out and remembered."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.errors import ModelBroken
from starcoder_lsp.models import registry
from starcoder_lsp.settings import assemble, own_file
from starcoder_lsp.settings.options import EngineSettings


@pytest.fixture
def path(tiny_starcoder2: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "mine.gguf"
    shutil.copyfile(tiny_starcoder2, copy)
    return copy


def settings(path: Path, model: str = EngineSettings.model) -> EngineSettings:
    return EngineSettings(model=model, model_path=path)


def forget() -> None:
    own_file._recognised.clear()


def test_the_header_tells_family_and_context(path: Path) -> None:
    found = own_file.recognise(path)
    assert (found.model.family, found.certainty) == ("starcoder2", "sure")
    assert found.model.context_tokens == 16384
    assert "mine.gguf is asked as a model of the family starcoder2" in str(found)
    load = assemble.load_of(settings(path))
    assert (load.family, load.path) == ("starcoder2", str(path))


def test_a_file_of_a_row_is_that_model(
    smollm2: Path, tiny_starcoder2: Path, tmp_path: Path
) -> None:
    found = own_file.recognise(smollm2)
    assert found.model is registry.find("smollm2-135m")
    renamed = tmp_path / smollm2.name
    shutil.copyfile(tiny_starcoder2, renamed)
    assert own_file.recognise(renamed).model.source is None, "it has another size"


def test_the_users_model_goes_before_the_header(path: Path) -> None:
    chosen = settings(path, "qwen2.5-coder-7b")
    assert assemble.family_of(chosen).name == "qwen2.5-coder"
    assert assemble.load_of(chosen).path == str(path)


async def test_a_file_that_does_not_fill_is_continued_from_then_on(path: Path) -> None:
    news = await own_file.try_out(ScriptedEngine(["import os"]), path)
    assert news is not None
    assert "does not fill in the middle" in str(news)
    assert assemble.family_of(settings(path)).name == "plain"
    forget()
    assert assemble.family_of(settings(path)).name == "plain"


async def test_a_file_that_fills_is_tried_once(path: Path) -> None:
    engine = ScriptedEngine(["4"])
    news = await own_file.try_out(engine, path)
    assert news is not None
    assert assemble.family_of(settings(path)).name == "starcoder2"
    forget()
    engine.prompts.clear()
    assert await own_file.try_out(engine, path) is None
    assert not engine.prompts


async def test_another_file_of_the_same_name_is_tried_again(path: Path) -> None:
    await own_file.try_out(ScriptedEngine(["import os"]), path)
    os.utime(path, (1, 1))
    assert assemble.family_of(settings(path)).name == "starcoder2"


def test_damaged_memory_of_trials_is_as_good_as_none(path: Path) -> None:
    own_file._file().parent.mkdir(parents=True)
    for content in ("{", "[]", '{"a": 1}', '{"a": ["x", 1, 1]}', '{"a": [1]}'):
        own_file._file().write_text(content)
        forget()
        assert own_file.recognise(path).verdict is None


def test_a_file_that_is_gone_is_what_it_was(path: Path) -> None:
    known = own_file.recognise(path)
    path.unlink()
    assert own_file.recognise(path) == known
    forget()
    with pytest.raises(ModelBroken, match="cannot be read"):
        own_file.recognise(path)
