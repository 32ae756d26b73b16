"""`starcoder-lsp models`: lists, downloads, removes and verifies models."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from starcoder_lsp.errors import StarcoderError
from starcoder_lsp.models import background, registry
from starcoder_lsp.models.progress import Progress, Report
from starcoder_lsp.models.registry import Model
from starcoder_lsp.runtime import parent_watch
from starcoder_lsp.settings import assemble


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser(
        "list", help="list all models and whether they are on this machine"
    )
    listing.set_defaults(act=_list)
    for name, act, summary in (
        ("get", _get, "download a model unless it is on this machine"),
        ("remove", _remove, "delete a model from this machine"),
        ("verify", _verify, "compare the checksum of a model's file"),
    ):
        verb = verbs.add_parser(name, help=summary)
        verb.add_argument("name", help="a name from `models list`")
        verb.set_defaults(act=act)
    for verb in verbs.choices.values():
        verb.add_argument(
            "--json", action="store_true", help="print one JSON object per line"
        )


def run(parsed: argparse.Namespace) -> int:
    # Only where a server started this; a user's own download may outlive its shell.
    parent_watch.end_with_parent()
    act: Callable[[argparse.Namespace], int] = parsed.act
    if not parsed.json:
        return act(parsed)
    try:
        return act(parsed)
    except StarcoderError as exc:
        _say({"error": str(exc)})
        return 1


def _list(parsed: argparse.Namespace) -> int:
    store = assemble.store()
    for model in registry.models().values():
        row = as_object(model, is_here=store.is_present(model))
        if parsed.json:
            _say(row)
            continue
        mark = "here" if row["present"] else ""
        size = f"{model.approximate_bytes / 1e9:5.1f} GB" if model.source else "no file"
        print(f"{mark:4}  {model.name:24} {size:8}  {model.title}")
    return 0


def as_object(model: Model, *, is_here: bool) -> dict[str, object]:
    """A row of `models list --json`; `source` is null for a model without a file."""
    return {
        "name": model.name,
        "present": is_here,
        "size_bytes": model.approximate_bytes,
        "family": model.family,
        "license": model.license,
        "source": model.source.address if model.source else None,
    }


def _get(parsed: argparse.Namespace) -> int:
    model = registry.find(parsed.name)
    path = assemble.store().get(model, _reporter(model, is_json=parsed.json))
    if parsed.json:
        _say({"path": str(path)})
    else:
        print(path)
    return 0


def _reporter(model: Model, *, is_json: bool) -> Progress:
    """Report as JSON lines, as one line that moves on a terminal, or in quarters."""
    quarter = -1

    def report(state: Report) -> None:
        nonlocal quarter
        if is_json:
            _say(background.frame_of(state))
            return
        is_terminal = sys.stderr.isatty()
        if not is_terminal and int(state.share * 4) == quarter:
            return
        quarter = int(state.share * 4)
        text = f"{model.name} from {model.published.address}: {state}"
        # Spaces cover what is left of a longer line.
        start, end = ("\r", " " * 8) if is_terminal else ("", "\n")
        print(f"{start}{text}", end=end, file=sys.stderr, flush=True)

    return report


def _remove(parsed: argparse.Namespace) -> int:
    model = registry.find(parsed.name)
    was_here = assemble.store().remove(model)
    if parsed.json:
        _say({"removed": was_here})
    else:
        print(f"{model.name} {'removed' if was_here else 'was not here'}")
    return 0


def _verify(parsed: argparse.Namespace) -> int:
    model = registry.find(parsed.name)
    receipt = assemble.store().verify(model)
    if parsed.json:
        _say({"sha256": receipt.sha256, "size_bytes": receipt.size_bytes})
    else:
        print(f"{model.name}: whole, sha256 {receipt.sha256}")
    return 0


def _say(report: dict[str, object]) -> None:
    print(json.dumps(report), flush=True)
