"""Recognises a file of the user's in a child process.

    python -m starcoder_lsp.settings.own_file_child FILE

A disk whose server is gone stops whoever reads it, and the front must not stop. The
program prints what the file is, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from starcoder_lsp.errors import ModelBroken
from starcoder_lsp.models import registry
from starcoder_lsp.models.registry import Model
from starcoder_lsp.runtime import frames, parent_watch
from starcoder_lsp.runtime.child import output_of, python_module
from starcoder_lsp.settings import own_file
from starcoder_lsp.settings.own_file import Recognised

PATIENCE_S = 30.0


async def recognise(path: Path) -> Recognised:
    """Return what a file is, and remember it; raises ModelBroken."""
    try:
        program = "starcoder_lsp.settings.own_file_child"
        said = json.loads(
            await output_of(python_module(program, str(path)), PATIENCE_S)
        )
        if "error" in said:
            raise ModelBroken(said["error"])
        found = _from_object(path, said)
    except TimeoutError:
        raise ModelBroken(
            f"{path} cannot be read: its disk does not answer; is its network share "
            "reachable? A copy on a local disk would load"
        ) from None
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise ModelBroken(f"{path} could not be read: {type(exc).__name__}") from exc
    return own_file.remember(found)


def _as_object(found: Recognised) -> dict[str, Any]:
    model = found.model
    return {
        "stamp": found.stamp,
        "row": model.name if model.source else None,
        "family": model.family,
        "license": model.license,
        "context_tokens": model.context_tokens,
        "certainty": found.certainty,
        "why": found.why,
    }


def _from_object(path: Path, said: dict[str, Any]) -> Recognised:
    if said["row"]:
        model = registry.models()[said["row"]]
    else:
        model = Model(
            path.name,
            path.name,
            said["family"],
            said["license"],
            said["context_tokens"],
        )
    return Recognised(path, said["stamp"], model, said["certainty"], said["why"])


def main(name: str) -> None:
    parent_watch.end_with_parent()
    out = frames.claim_stdout()
    try:
        said = _as_object(own_file.read(Path(name)))
    except ModelBroken as exc:
        said = {"error": str(exc)}
    out.write(json.dumps(said).encode())
    out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
