"""The models that have a row in models.toml, and those that the user has added."""

from __future__ import annotations

import difflib
import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from starcoder_lsp.errors import ConfigError, NoModelFile, UnknownModel
from starcoder_lsp.runtime.paths import models_dir, packaged_file

logger = logging.getLogger(__name__)

# The kind of model that completes code; rows may have others.
COMPLETION = "completion"
# The names of models that users add.
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MAX_CONTEXT_TOKENS = 1 << 24
TEXTS = ("title", "family", "license", "sha256")
MAX_SHOWN = 80


@dataclass(frozen=True)
class HubFile:
    """A file of a Hugging Face repository."""

    repository: str
    file: str
    revision: str | None = None

    @property
    def address(self) -> str:
        return f"{self.repository}/{self.file}"

    @property
    def page(self) -> str:
        """The page on which people read about the file, and accept a licence."""
        return f"https://huggingface.co/{self.repository}"


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

    @property
    def page(self) -> str:
        return f"https://pypi.org/project/{self.package}/{self.version}/"


@dataclass(frozen=True)
class UrlFile:
    """A file at an address that the user has given."""

    url: str

    @property
    def file(self) -> str:
        return PurePosixPath(unquote(urlsplit(self.url).path)).name

    @property
    def address(self) -> str:
        """The address without a name and a password in it."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()

    @property
    def page(self) -> str:
        return self.address


Published = HubFile | WheelMember | UrlFile
SOURCES: Mapping[str, Callable[..., Published]] = {
    "huggingface": HubFile,
    "wheel": WheelMember,
    "url": UrlFile,
}


@dataclass(frozen=True)
class License:
    """A row of the table of licences; `restrictions` are of use, empty if there are none."""

    name: str
    link: str
    restrictions: str = ""


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
    kind: str = COMPLETION
    source: Published | None = None
    prompt_tokens: int | None = None
    layout: str | None = None
    size_bytes: int | None = None
    size_gb: float | None = None
    kv_values: int = 0
    sha256: str | None = None
    convert_to: str = ""
    active_share: float = 1.0
    warnings: tuple[str, ...] = ()

    @property
    def terms(self) -> License:
        """The licence; a name that has no row is the name alone."""
        return licenses().get(self.license, License(self.license, ""))

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
def _tables() -> Mapping[str, Any]:
    import tomllib  # not before the reply to initialize

    return tomllib.loads(packaged_file("models.toml").read_text("utf-8"))


@cache
def models() -> Mapping[str, Model]:
    """The models of the file by name, in its order."""
    rows = _tables()["models"]
    return {name: model_of(name, row) for name, row in rows.items()}


@cache
def licenses() -> Mapping[str, License]:
    rows = _tables()["licenses"]
    return {name: License(**row) for name, row in rows.items()}


def model_of(name: str, row: Mapping[str, Any]) -> Model:
    """The model of one row."""
    row = {**row, "warnings": tuple(row.get("warnings", ()))}
    if "source" not in row:
        return Model(name, **row)
    source = dict(row["source"])
    kind = SOURCES[source.pop("kind")]
    return Model(name, **{**row, "source": kind(**source)})


def everything() -> Mapping[str, Model]:
    """The models of the file, and those that the user has added."""
    return {**models(), **added()}


def added() -> Mapping[str, Model]:
    """The user's own models; a row that cannot be read is left out."""
    models = {}
    for name, row in _added_rows().items():
        try:
            models[name] = _added_model(name, row)
        except (ValueError, TypeError, LookupError):
            logger.warning(
                "%s: the model %s cannot be read and is left out; run models add again",
                added_file(),
                ascii(name)[:MAX_SHOWN],
            )
    return models


def _added_model(name: str, row: Mapping[str, Any]) -> Model:
    """Return a model of the user's.

    Raises ValueError, TypeError or LookupError for a row that `add` did not write.
    """
    texts, source = {key: row[key] for key in TEXTS}, UrlFile(row["source"]["url"])
    are_texts = all(isinstance(text, str) for text in (*texts.values(), source.url))
    if not NAME.fullmatch(name) or not are_texts:
        raise ValueError("no name or no text")
    n_tokens, file = row["context_tokens"], source.file
    if type(n_tokens) is not int or not 0 < n_tokens <= MAX_CONTEXT_TOKENS:
        raise ValueError("no length of a context")
    # The name becomes part of a path; one that is no Unicode raises ValueError here.
    if not file.strip(".") or b"\0" in file.encode():
        raise ValueError("no name of a file")
    return Model(name, **texts, context_tokens=n_tokens, source=source)


def add(name: str, row: Mapping[str, Any]) -> Model:
    """Remember a model of the user's; raises ConfigError if the name is taken."""
    if name in models():
        raise ConfigError(
            f"{name} is the name of another model; give one with --name NAME"
        )
    model = model_of(name, row)
    _write({**_added_rows(), name: row})
    return model


def forget(name: str) -> None:
    """Remove a model of the user's, if it is one."""
    rows = _added_rows()
    if rows.pop(name, None) is not None:
        _write(rows)


def added_file() -> Path:
    return models_dir() / "added.json"


def _added_rows() -> dict[str, Any]:
    try:
        return dict(json.loads(added_file().read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, RecursionError):
        logger.warning("%s cannot be read: your own models are not known", added_file())
        return {}


def _write(rows: Mapping[str, Any]) -> None:
    file = added_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(rows, indent=1), "utf-8")
        partial.replace(file)
    except OSError as exc:
        raise ConfigError(f"{file} cannot be written: {exc.strerror}") from exc


def find(name: str) -> Model:
    """Find a model by its name; raises UnknownModel with the nearest names."""
    if name in models():
        return models()[name]
    if name in (own := added()):
        return own[name]
    near = difflib.get_close_matches(name, everything(), n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UnknownModel(f"no model {name!r}: {hint}see: starcoder-lsp models list")
