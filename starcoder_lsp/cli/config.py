"""`starcoder-lsp config`: what is in force and why, or whether the files are right."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from starcoder_lsp.cli.flags import add_option_flags, flag_layer, workspace_of
from starcoder_lsp.config import ConfigFiles, Resolved
from starcoder_lsp.paths import user_config_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=("show", "check"))
    parser.add_argument("folder", nargs="?", default=".", help="of which project")
    parser.add_argument("--json", action="store_true", help="one object, nothing else")
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    folder = Path(parsed.folder).absolute()
    resolved = ConfigFiles().resolve(folder, workspace_of(folder), flag_layer(parsed))
    if parsed.verb == "show":
        _show(resolved, is_json=parsed.json)
    elif parsed.json:
        print(json.dumps({"problems": resolved.problems}))
    else:
        print("\n".join(resolved.problems) or "no problems")
    return 1 if parsed.verb == "check" and resolved.problems else 0


def _show(resolved: Resolved, *, is_json: bool) -> None:
    if is_json:
        rows = {
            name: {"value": value, "from": resolved.origins[name]}
            for name, value in resolved.values.items()
        }
        print(json.dumps(rows))
        return
    print(f"# user file: {user_config_file()}")
    for name, value in resolved.values.items():
        print(f"{name} = {json.dumps(value)}  # {resolved.origins[name]}")
    for problem in resolved.problems:
        print(f"# problem: {problem}")
