"""Recognises a GGUF file that `model_path` names without a `model` that says what it is.

The header of the file tells its family; a trial after the first load confirms that, or
shows that the model does not fill in the middle. What a trial has shown is remembered.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

from starcoder_lsp.completion import probe
from starcoder_lsp.completion.probe import Verdict
from starcoder_lsp.completion.prompt import families
from starcoder_lsp.completion.prompt.detection import (
    PLAIN,
    Certainty,
    ModelFacts,
    detect,
    telling_tokens,
)
from starcoder_lsp.engines import Engine
from starcoder_lsp.engines.llama.machine import gguf, token_scan
from starcoder_lsp.errors import ModelBroken
from starcoder_lsp.models import registry
from starcoder_lsp.models.registry import Model
from starcoder_lsp.runtime import private_files
from starcoder_lsp.runtime.network_disks import DISKS
from starcoder_lsp.runtime.paths import cache_dir
from starcoder_lsp.settings.options import OPTIONS, EngineSettings

logger = logging.getLogger(__name__)

# For a file that does not say how long a context it was trained with.
USUAL_CONTEXT = 4096
MAX_ENTRIES = 64
MAX_FILE_BYTES = 100_000


@dataclass(frozen=True)
class Recognised:
    """Describes a file of the user; `verdict` is None before the first trial."""

    path: Path
    stamp: str
    model: Model
    certainty: Certainty
    why: str
    verdict: Verdict | None = None

    def __str__(self) -> str:
        """Describe the file in a sentence for the user."""
        text = (
            f"{self.path.name} is asked as a model of the family {self.model.family}: "
            f"{self.why} ({self.certainty})"
        )
        tried = f"; {self.verdict}" if self.verdict else ""
        return f"{text}{tried}. Set `model` to a model of another family to change that"


# The last answer for each file, since every request asks.
_recognised: dict[Path, Recognised] = {}


def own_file(settings: EngineSettings) -> Path | None:
    """Return the file that has to be recognised; None if a row says what is loaded."""
    is_named = settings.model != OPTIONS["model"].default
    return None if is_named or settings.is_remote else settings.model_path


def local_model(settings: EngineSettings) -> Model:
    """The row of the model, or what a file of the user's was recognised as.

    Raises UnknownModel or ModelBroken.
    """
    path = own_file(settings)
    return recognise(path).model if path else registry.find(settings.model)


def recognise(path: Path) -> Recognised:
    """Return what a GGUF file is; raises ModelBroken."""
    return known(path) or remember(read(path))


def known(path: Path) -> Recognised | None:
    """Return what is remembered of a file; None before it was read, or if it changed.

    A file that is gone, or on a network disk that does not answer, is what it was: it
    may be loaded.
    """
    found = _recognised.get(path)
    if found is None or not DISKS.are_reachable((path,)):
        return found
    try:
        return found if found.stamp == _stamp(path) else None
    except OSError:
        return found


def read(path: Path) -> Recognised:
    """Return what a file's header says; raises ModelBroken."""
    try:
        return _read(path, _stamp(path))
    except OSError as exc:
        raise ModelBroken(f"{path} cannot be read: {exc.strerror}") from exc


def remember(found: Recognised) -> Recognised:
    """Remember what a file is, and add what a trial has shown earlier."""
    judged = _judged(found, _verdicts().get(found.stamp))
    _recognised[found.path] = judged
    return judged


def model_name(path: Path) -> str:
    """Return the name of a file's model, without reading the file."""
    return _recognised[path].model.name if path in _recognised else path.name


async def try_out(engine: Engine, path: Path) -> Recognised | None:
    """Try a loaded file of the user's unless it is known; None without news.

    After a trial that fails, the file is a model that continues the text.
    """
    known = recognise(path)
    if known.verdict is not None or known.model.source is not None:
        return None
    verdict = await probe.probe(engine, families()[known.model.family])
    if verdict is None:
        return None
    _remember(known.stamp, verdict)
    _recognised[path] = _judged(known, verdict)
    return _recognised[path]


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def _read(path: Path, stamp: str) -> Recognised:
    header = gguf.read_header(path)
    if row := _row_of(path):
        return Recognised(path, stamp, row, "sure", f"it is the file of {row.name}")
    tokens = token_scan.tokens_in(path, telling_tokens())
    names = (*header.names, path.name)
    found = detect(ModelFacts(names, header.architecture, tokens))
    context = header.n_context_trained or USUAL_CONTEXT
    license_name = header.license if header.license in registry.licenses() else ""
    model = Model(path.name, path.name, found.family, license_name, context)
    return Recognised(path, stamp, model, found.certainty, found.why)


def _row_of(path: Path) -> Model | None:
    """Return the row of models.toml whose file has this name, and this size if known."""
    size_bytes = path.stat().st_size
    for row in registry.models().values():
        is_named = row.source is not None and row.source.file == path.name
        if is_named and row.size_bytes in (None, size_bytes):
            return row
    return None


def _judged(known: Recognised, verdict: Verdict | None) -> Recognised:
    if verdict is None:
        return known
    known = replace(known, verdict=verdict)
    if verdict.fills:
        return known
    why = "it has the tokens of a family, but does not fill in the middle"
    model = replace(known.model, family=PLAIN)
    return replace(known, model=model, certainty="sure", why=why)


def _file() -> Path:
    return cache_dir() / "trials.json"


def _verdicts() -> probe.Verdicts:
    try:
        rows = json.loads(private_files.read(_file(), MAX_FILE_BYTES))
        return {stamp: probe.of_row(row) for stamp, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _remember(stamp: str, verdict: Verdict) -> None:
    entries = {**_verdicts(), stamp: verdict}
    newest = list(entries.items())[-MAX_ENTRIES:]
    rows = {name: probe.as_row(one) for name, one in newest}
    try:
        private_files.folder(_file().parent)
        private_files.write(_file(), json.dumps(rows, indent=1).encode())
    except OSError as exc:
        logger.info("the result of a trial is not kept: %s", exc)
