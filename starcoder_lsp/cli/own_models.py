"""`starcoder-lsp models add`, `inspect` and `list --local`: files of the user's own."""

from __future__ import annotations

import argparse
import asyncio
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starcoder_lsp.cli.terminal.downloads import reporter, say
from starcoder_lsp.completion.prompt import families
from starcoder_lsp.errors import ConfigError, ModelBroken
from starcoder_lsp.models import local_stores, registry
from starcoder_lsp.models.registry import Model, UrlFile
from starcoder_lsp.runtime.printable import printable
from starcoder_lsp.settings import assemble, own_file
from starcoder_lsp.settings.own_file import Recognised
from starcoder_lsp.settings.resolve import Layer, resolve

SHA256 = re.compile(r"[0-9a-f]{64}")
WITHOUT_ROW = "unknown"


def add_arguments(verbs: Any) -> None:
    """Add the verbs; `verbs` is what `add_subparsers` of argparse returns."""
    adding = verbs.add_parser(
        "add", help="download a GGUF file from an address, and give it a name"
    )
    adding.add_argument("url", help="the address, https://…/FILE.gguf")
    adding.add_argument("--sha256", required=True, help="the checksum of the file")
    adding.add_argument("--name", help="the model's name; the file's if absent")
    adding.add_argument(
        "--family", choices=sorted(families()), help="recognised if absent"
    )
    adding.set_defaults(act=add)
    inspecting = verbs.add_parser(
        "inspect", help="say what a GGUF file is, and how it would be asked"
    )
    inspecting.add_argument("file", type=Path)
    inspecting.add_argument(
        "--try",
        dest="tries",
        action="store_true",
        help="load it, and see whether it fills in trivial middles",
    )
    inspecting.set_defaults(act=inspect)


def add(parsed: argparse.Namespace) -> int:
    """Download a file and remember it as a model; raises ConfigError, DownloadFailed."""
    source, sha256 = UrlFile(parsed.url), parsed.sha256.lower()
    if urlsplit(parsed.url).scheme not in ("http", "https") or not source.file:
        raise ConfigError(
            f"{source.address} is not an address https://…/FILE.gguf; for a file on this "
            "machine set model_path"
        )
    if not SHA256.fullmatch(sha256):
        raise ConfigError("--sha256 has to be 64 hexadecimal digits")
    name = parsed.name or Path(source.file).stem.lower().replace(" ", "-")
    if not registry.NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name of a model; give one with --name NAME")
    row = {
        "title": source.file,
        "family": parsed.family or "plain",
        "license": WITHOUT_ROW,
        "context_tokens": own_file.USUAL_CONTEXT,
        "sha256": sha256,
        "source": {"kind": "url", "url": source.url},
    }
    model, store = registry.add(name, row), assemble.store()
    try:
        path = store.get(model, reporter(model, is_json=parsed.json))
        found = own_file.recognise(path)
    except BaseException as exc:
        # An interrupted download goes on with the same command.
        if isinstance(exc, ModelBroken):
            store.remove(model)
        registry.forget(name)
        raise
    row["context_tokens"] = found.model.context_tokens
    row["family"] = parsed.family or found.model.family
    # The address may hold a password.
    row["source"] = {"kind": "url", "url": source.address}
    registry.forget(name)
    model = registry.add(name, row)
    if parsed.json:
        say({"name": name, "path": str(path), "family": model.family})
    else:
        print(f'{path}\n{printable(str(found))}\nuse it with: model = "{name}"')
    return 0


def inspect(parsed: argparse.Namespace) -> int:
    """Describe a file; raises ModelBroken for one that is no model."""
    path = parsed.file.expanduser().absolute()
    found = own_file.recognise(path)
    if parsed.tries and found.verdict is None:
        found = asyncio.run(_try_out(path)) or found
    if parsed.json:
        say(_as_object(found))
    else:
        print(printable(str(found)))
    return 0


async def _try_out(path: Path) -> Recognised | None:
    settings = resolve([Layer("models inspect", {"model_path": str(path)})]).settings
    engine = assemble.build_engine(
        settings.engine, log_level="error", policy=assemble.ONE_CRASH
    )
    engine.start()
    try:
        await engine.ready()
        return await own_file.try_out(engine, path)
    finally:
        await engine.close()


def list_local(*, is_json: bool) -> int:
    """List the files of other programs, and how they would be asked."""
    found = local_stores.local_files()
    for file in found:
        try:
            known = own_file.recognise(file.path)
            about = _as_object(known)
            text = f"{known.model.family} ({known.certainty})"
        except ModelBroken as exc:
            about, text = {"error": str(exc)}, str(exc)
        if is_json:
            say({"program": file.program, "name": file.name, "path": str(file.path),
                 "size_bytes": file.size_bytes, **about})  # fmt: skip
            continue
        size = f"{file.size_bytes / 1e9:5.1f} GB"
        print(f"{size}  {file.program:12}  {printable(file.name)}  {printable(text)}")
        print(f'          model_path = "{printable(str(file.path))}"')
    if not found and not is_json:
        print("no GGUF files of Ollama, LM Studio or Hugging Face were found")
    return 0


def _as_object(found: Recognised) -> dict[str, object]:
    model: Model = found.model
    return {
        "family": model.family,
        "certainty": found.certainty,
        "why": found.why,
        "context_tokens": model.context_tokens,
        "tried": str(found.verdict) if found.verdict else None,
    }
