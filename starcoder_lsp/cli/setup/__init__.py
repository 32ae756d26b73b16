"""`starcoder-lsp setup EDITOR`: prints the configuration of an editor, or writes it."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from pathlib import Path

from starcoder_lsp.cli.setup import check, templates
from starcoder_lsp.cli.setup.forms import merged
from starcoder_lsp.cli.setup.templates import Template
from starcoder_lsp.cli.setup.writing import read, write
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.runtime.printable import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("editor", choices=templates.names(), help="the editor")
    parser.add_argument(
        "--write",
        action="store_true",
        help="add the lines to the editor's file, after a question",
    )
    parser.add_argument("--yes", action="store_true", help="write without the question")
    parser.add_argument(
        "--file", metavar="PATH", help="write to this file, not to the usual one"
    )
    parser.add_argument(
        "--server", metavar="PATH", help="the server to name, by default this one"
    )
    parser.add_argument(
        "--no-check", action="store_true", help="do not ask the server for a suggestion"
    )


def run(parsed: argparse.Namespace) -> int:
    server = _server(parsed.server)
    template = templates.read(parsed.editor).filled(server)
    file = Path(parsed.file).expanduser() if parsed.file else template.path()
    if parsed.write:
        is_written = _write(template, file, is_agreed=parsed.yes)
        if not is_written:
            return 1
    else:
        print(f"Add this to {printable(str(file))}:\n\n{template.text}", end="")
    print(f"\n{template.notes}\n")
    return 0 if parsed.no_check else _check(server, template)


def _server(given: str | None) -> str:
    """Return the absolute path of the server's program; raises ConfigError."""
    beside = Path(sys.executable).with_name("starcoder-lsp")
    named = given or (str(beside) if beside.exists() else "starcoder-lsp")
    found = shutil.which(str(Path(named).expanduser()))
    if found is None:
        raise ConfigError(f"{named} is not a program; name the server with --server")
    return str(Path(found).absolute())


def _write(template: Template, file: Path, *, is_agreed: bool) -> bool:
    """Add the lines, unless the user says no; return whether the file has them."""
    before = read(file)
    after = merged(template, before)
    shown = printable(str(file))
    if after == before:
        print(f"{shown} has these lines already.")
        return True
    print(f"{shown} would be {'changed' if before else 'created'}:\n")
    print(_difference(before, after))
    if not is_agreed and not _is_confirmed("Write it? [y/N] "):
        print("Nothing was written.")
        return False
    backup = write(file, after)
    print(f"Written. The file as it was: {backup}" if backup else "Written.")
    return True


def _difference(before: str, after: str) -> str:
    import difflib

    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "before", "after", lineterm=""
    )
    return "\n".join(map(printable, lines))


def _is_confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        print("There is no terminal to ask at; --yes writes without a question.")
        return False
    return input(question).strip().lower() in ("y", "yes")


def _check(server: str, template: Template) -> int:
    """Ask the server as the editor will; return the exit status."""
    print("Asking the server for a suggestion ...", flush=True)
    try:
        answer = asyncio.run(check.suggestion(server, template.method))
    except check.NoAnswer as exc:
        print(f"It has none: {printable(str(exc))}")
        return 1
    print(f"It suggests {answer!r} after {check.BEFORE_CURSOR!r}.")
    return 0
