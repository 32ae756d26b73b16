"""`starcoder-lsp models`: lists, recommends, downloads, adds and verifies models."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from starcoder_lsp.cli import model_advice, own_models
from starcoder_lsp.cli.terminal.downloads import reporter, say, show_terms
from starcoder_lsp.errors import DownloadFailed, StarcoderError
from starcoder_lsp.models import convert, registry
from starcoder_lsp.models.registry import Model
from starcoder_lsp.models.store import ModelStore
from starcoder_lsp.runtime import parent_watch
from starcoder_lsp.settings import assemble


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser(
        "list", help="list all models and whether they are on this machine"
    )
    listing.add_argument(
        "--local",
        action="store_true",
        help="list the GGUF files of Ollama, LM Studio and Hugging Face on this machine",
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
    converting = verbs.add_parser(
        "convert", help="convert a model to a format that this processor reads faster"
    )
    converting.add_argument("name", help="a name from `models list`")
    converting.add_argument("--to", choices=convert.FORMATS, default="q8_0")
    converting.add_argument(
        "--keep", action="store_true", help="keep the original file, too"
    )
    converting.set_defaults(act=_convert)
    own_models.add_arguments(verbs)
    model_advice.add_arguments(verbs)
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
        say({"error": str(exc)})
        return 1


def _list(parsed: argparse.Namespace) -> int:
    if parsed.local:
        return own_models.list_local(is_json=parsed.json)
    store = assemble.store()
    for model in registry.everything().values():
        row = as_object(model, store)
        if parsed.json:
            say(row)
            continue
        mark = "here" if row["present"] else "part" if row["partial_bytes"] else ""
        size = f"{model.approximate_bytes / 1e9:5.1f} GB" if model.source else "no file"
        print(f"{mark:4}  {model.name:27} {size:8}  {model.license:18}  {model.title}")
        for warning in model.warnings:
            print(f"{'':15}warning: {warning}")
    return 0


def as_object(model: Model, store: ModelStore) -> dict[str, object]:
    """A row of `models list --json`; what a model without a file lacks is null."""
    path = store.locate(model) if store.is_present(model) else None
    source = model.source
    return {
        "name": model.name,
        "title": model.title,
        "kind": model.kind,
        "present": path is not None,
        "path": str(path) if path else None,
        "partial_bytes": store.partial_bytes(model) if source and not path else 0,
        "size_bytes": model.approximate_bytes,
        "family": model.family,
        "context_tokens": model.context_tokens,
        "license": model.license,
        "license_name": model.terms.name,
        "license_link": model.terms.link,
        "restrictions": model.terms.restrictions,
        "warnings": list(model.warnings),
        "source": source.address if source else None,
        "page": source.page if source else None,
        "revision": getattr(source, "revision", None),
        "sha256": model.sha256,
    }


def _get(parsed: argparse.Namespace) -> int:
    model = registry.find(parsed.name)
    store = assemble.store()
    if not parsed.json and not store.is_present(model):
        show_terms(model)
    path = store.get(model, reporter(model, is_json=parsed.json))
    if model.convert_to:
        try:
            path = _converted(store, model, model.convert_to, parsed.json, keep=False)
        except DownloadFailed as exc:
            # The model works as it was published, only more slowly.
            print(f"starcoder-lsp: {exc}", file=sys.stderr)
    _say_path(path, is_json=parsed.json)
    return 0


def _convert(parsed: argparse.Namespace) -> int:
    model = registry.find(parsed.name)
    path = _converted(assemble.store(), model, parsed.to, parsed.json, keep=parsed.keep)
    _say_path(path, is_json=parsed.json)
    return 0


def _converted(
    store: ModelStore, model: Model, to: str, is_json: bool, *, keep: bool
) -> Path:
    report = reporter(model, is_json=is_json, action=f"converted to {to.upper()}")
    return convert.convert(store, model, to, report, keep=keep)


def _say_path(path: Path, *, is_json: bool) -> None:
    if is_json:
        say({"path": str(path)})
    else:
        print(path)


def _remove(parsed: argparse.Namespace) -> int:
    model = registry.find(parsed.name)
    was_here = assemble.store().remove(model)
    registry.forget(model.name)
    if parsed.json:
        say({"removed": was_here})
    else:
        print(f"{model.name} {'removed' if was_here else 'was not here'}")
    return 0


def _verify(parsed: argparse.Namespace) -> int:
    model = registry.find(parsed.name)
    receipt = assemble.store().verify(model)
    if parsed.json:
        say({"sha256": receipt.sha256, "size_bytes": receipt.size_bytes})
    else:
        print(f"{model.name}: whole, sha256 {receipt.sha256}")
    return 0
