"""`starcoder-lsp config`: shows the settings in force, or checks the settings files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from starcoder_lsp.cli.flags import add_option_flags, resolve_for
from starcoder_lsp.errors import ConfigError, UnknownModel
from starcoder_lsp.runtime.paths import user_config_file
from starcoder_lsp.runtime.printable import printable
from starcoder_lsp.settings import chosen
from starcoder_lsp.settings.options import OPTIONS
from starcoder_lsp.settings.resolve import Resolved


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=("show", "check"))
    parser.add_argument(
        "folder", nargs="?", default=".", help="a folder of the project"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    folder = Path(parsed.folder).absolute()
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder")
    resolved = resolve_for(folder, parsed)
    if parsed.verb == "show":
        _show(resolved, is_json=parsed.json)
        return 0
    problems = [*resolved.problems, *_unknown_model(resolved)]
    if parsed.json:
        print(json.dumps({"problems": problems}))
    else:
        print("\n".join(map(printable, problems)) or "no problems")
    return int(bool(problems))


def _unknown_model(resolved: Resolved) -> Iterator[str]:
    engine = resolved.settings.engine
    try:
        chosen.model_of(engine)
    except (UnknownModel, ConfigError) as exc:
        origin = resolved.origins["engine" if engine.is_remote else "model"]
        yield f"{origin}: {exc}"


def _show(resolved: Resolved, *, is_json: bool) -> None:
    values = {
        name: OPTIONS[name].form.public(value)
        for name, value in resolved.values.items()
    }
    if is_json:
        rows = {
            name: {"value": value, "from": resolved.origins[name]}
            for name, value in values.items()
        }
        print(json.dumps(rows))
        return
    print(f"# user file: {user_config_file()}")
    for name, value in values.items():
        print(f"{name} = {json.dumps(value)}  # {printable(resolved.origins[name])}")
    for problem in resolved.problems:
        print(f"# problem: {printable(problem)}")
