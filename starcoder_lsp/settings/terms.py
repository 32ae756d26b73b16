"""Shows what a licence restricts once, before the first use of a model under it.

It does not matter how the model's file came here: downloaded, from the cache of another
program, or by `model_path`. DATA/terms.json lists the licences that were shown.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from starcoder_lsp.models.registry import Model
from starcoder_lsp.runtime import private_files
from starcoder_lsp.runtime.paths import data_dir

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 100_000
# The name in models.toml of a licence that was not found: each model has its own.
UNKNOWN = "unknown"

# Where nothing can be written, they are shown once for each process.
_shown: set[str] = set()


def unseen(model: Model) -> str:
    """Return what to show before the first use of a model; empty if nothing is left."""
    terms = model.terms
    if not terms.restrictions or _key(model) in _shown | _recorded():
        return ""
    link = f" ({terms.link})" if terms.link else ""
    return f"{model.name} is under {terms.name}{link}: {terms.restrictions}"


def note_shown(model: Model) -> None:
    """Remember that the restrictions of a model's licence were shown."""
    if not model.terms.restrictions or _key(model) in (recorded := _recorded()):
        return
    _shown.add(_key(model))
    keys = sorted({*recorded, _key(model)})
    try:
        private_files.folder(_file().parent)
        private_files.write(_file(), json.dumps(keys, indent=1).encode())
    except OSError as exc:
        logger.info("it is not kept that a licence was shown: %s", exc)


def _key(model: Model) -> str:
    return model.name if model.license == UNKNOWN else model.license


def _file() -> Path:
    return data_dir() / "terms.json"


def _recorded() -> set[str]:
    try:
        return set(map(str, json.loads(private_files.read(_file(), MAX_FILE_BYTES))))
    except (OSError, ValueError, TypeError, RecursionError):
        return set()
