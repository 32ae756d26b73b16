"""The command line: one module per command, imported when it is used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from starcoder_lsp import __version__
from starcoder_lsp.errors import ConfigError, StarcoderError
from starcoder_lsp.runtime.printable import printable

COMMANDS: Mapping[str, str] = {
    "serve": "speak LSP over stdin and stdout (what an editor starts)",
    "complete": "complete one place in a file",
    "models": "list, get, remove and verify models",
    "eval": "measure quality on data",
    "context": "show what other files tell a model about one place",
    "index": "index a folder as a server would, and say what is in it",
    "config": "show the settings in force, or check the files they come from",
    "stats": "show what became of the suggestions on this machine",
    "doctor": "find out why it does not work",
}


def main(argv: Sequence[str] | None = None) -> None:
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Editors start `starcoder-lsp` or `starcoder-lsp --stdio`.
    if not arguments or (
        arguments[0].startswith("--") and not _is_global(arguments[0])
    ):
        arguments.insert(0, "serve")
    sys.exit(_run(arguments))


def _is_global(flag: str) -> bool:
    return flag in ("--help", "--version")


def _run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("starcoder-lsp", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == arguments[0]:
            module: Any = import_module(f"starcoder_lsp.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    parsed = parser.parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
    except ConfigError as exc:
        parser.error(printable(str(exc)))
    except StarcoderError as exc:
        print(f"starcoder-lsp: {printable(str(exc))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    except OSError as exc:
        print(f"starcoder-lsp: {printable(str(exc))}", file=sys.stderr)
        return 1
    return status
