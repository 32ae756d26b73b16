"""The command line: one module per command, imported when it is used.

A new command is a row of `COMMANDS` and the module of that name, with `_` for `-`, which
has `add_arguments(parser)` and `run(parsed) -> exit status`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from starcoder_lsp import __version__
from starcoder_lsp.errors import ConfigError, StarcoderError
from starcoder_lsp.runtime import import_path
from starcoder_lsp.runtime.printable import printable

COMMANDS: Mapping[str, str] = {
    "serve": "run the language server on stdin and stdout, for an editor",
    "setup": "print the configuration of an editor, or write it",
    "complete": "complete the code at one place in a file",
    "models": "list, recommend, get, add, remove and verify models",
    "eval": "measure the quality of suggestions on data",
    "context": "show what the model reads of other files at one place",
    "index": "index a folder as the server does, and describe the index",
    "config": "show the settings in force, or check the settings files",
    "stats": "show how many suggestions were accepted on this machine",
    "doctor": "check the installation, the model and this machine",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command and exit with its status: 0 done, 1 failed, 2 wrong arguments."""
    import_path.settle()
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
    try:
        parser = _parser(arguments[0])
        parsed = parser.parse_args(arguments)
    except (ImportError, SyntaxError) as exc:
        return _failed(import_path.explained(exc))
    try:
        status: int = parsed.run(parsed)
    except ConfigError as exc:
        parser.error(printable(str(exc)))
    except StarcoderError as exc:
        return _failed(str(exc))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    except OSError as exc:
        return _failed(str(exc))
    except (ImportError, SyntaxError) as exc:
        return _failed(import_path.explained(exc))
    return status


def _parser(wanted: str) -> argparse.ArgumentParser:
    """A parser that knows the names of all commands, and the arguments of one."""
    parser = argparse.ArgumentParser(
        "starcoder-lsp", description="Code completion with local models, over LSP."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == wanted:
            module: Any = import_module(f"{__name__}.{name.replace('-', '_')}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def _failed(reason: str) -> int:
    print(f"starcoder-lsp: {printable(reason)}", file=sys.stderr)
    return 1
