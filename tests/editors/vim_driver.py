"""Drives a real Vim with our plugin, in a terminal and over a channel (`:help channel`)."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from editors.driver import DEADLINE_S, binaries, eventually
from editors.pseudo_terminal import ALT_AS_NUMBER, Terminal

PLUGIN = Path(__file__).parents[2] / "editors" / "vim"

# The legacy compatible options would change keys; `ttimeoutlen` ends a lone Escape.
VIMRC = f"""\
set nocompatible ttimeout ttimeoutlen=10 background=dark shortmess+=I noswapfile
set viminfo= nomodeline autoindent backspace=indent,eol,start
let &runtimepath = '{PLUGIN},' .. &runtimepath
filetype on
let g:driver = ch_open('unix:' .. $DRIVER, {{'mode': 'json'}})
function Ask(command, arguments)
  let g:answer = 'none yet'
  let command = {{'command': a:command, 'arguments': a:arguments}}
  call starcoder#client#Execute(command, function('Keep'))
endfunction
function Keep(answer)
  let g:answer = a:answer
endfunction
"""
SCREEN = (
    "map(range(1, &lines), {_, row -> "
    "join(map(range(1, &columns), {_, column -> screenstring(row, column)}), '')})"
)
# Vim 9.0 does not tell the text of virtual text, but the plugin does.
GHOST = "starcoder#ghost#Text()"


def vim_binaries() -> list[str]:
    return binaries("STARCODER_LSP_TEST_VIM", "vim")


def value(plain: Any) -> str:
    """Return a Vim script expression."""
    return "json_decode('{}')".format(json.dumps(plain).replace("'", "''"))


class Vim:
    """A Vim with the plugin, in `folder`; `config` is g:starcoder, `before` Vim script."""

    def __init__(
        self, binary: str, folder: Path, config: dict[str, Any], before: str = ""
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vim"))
        vimrc = self.folder / "vimrc"
        vimrc.write_text(f"{VIMRC}let g:starcoder = {value(config)}\n{before}\n")
        address = str(self.folder / "driver")
        self.n_calls = 0
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(address)
            listening.listen()
            listening.settimeout(DEADLINE_S)
            self.terminal = Terminal(
                [binary, "-N", "-u", str(vimrc), "-i", "NONE", "-n"],
                folder,
                {"DRIVER": address},
                ALT_AS_NUMBER,
            )
            self.channel, _ = listening.accept()
        self.channel.settimeout(DEADLINE_S)
        self.stream = self.channel.makefile("r", encoding="utf-8")

    def type(self, keys: str) -> None:
        """Press keys, in Vim's notation: `o<Tab>`, `a <lt> b`."""
        self.terminal.type(keys)

    def _send(self, *message: Any) -> None:
        self.channel.sendall((json.dumps(message) + "\n").encode())

    def eval(self, expression: str) -> Any:
        """Return the value of a legacy Vim script expression."""
        self.n_calls += 1
        self._send("expr", expression, -self.n_calls)
        return json.loads(self.stream.readline())[1]

    def command(self, command: str) -> None:
        """Run an Ex command, and show the error if there is one."""
        self._send("ex", command)
        self.eval("1")

    def ghost(self) -> str:
        """Return the ghost text, "" if there is none."""
        return str(self.eval(GHOST))

    def lines(self) -> list[str]:
        return list(self.eval("getline(1, '$')"))

    def screen(self) -> list[str]:
        """Return the rows of the screen."""
        self._send("redraw", "")
        return [row.rstrip() for row in self.eval(SCREEN)]

    def cursor(self) -> tuple[int, int]:
        """Return the line, from 1, and the byte column, from 0."""
        row, column = self.eval("[line('.'), col('.') - 1]")
        return row, column

    def mode(self) -> str:
        return str(self.eval("mode()"))

    def status(self) -> str:
        return str(self.eval("starcoder#Status()"))

    def told(self) -> str:
        """Return the output of `:Starcoder status`, which has the last message in full."""
        return str(self.eval("execute('Starcoder status')"))

    def messages(self) -> list[str]:
        return str(self.eval("execute('messages')")).splitlines()

    def execute(self, command: str, *arguments: Any) -> Any:
        """Run a command on the server, which has then received all earlier messages."""
        self.command(f"call Ask('{command}', {value(arguments)})")
        eventually(lambda: self.eval("g:answer") != "none yet")
        return self.eval("g:answer")

    def leave_insert_mode(self) -> None:
        self.type("<Esc>")
        eventually(self.mode, "n")

    def close(self) -> None:
        try:
            self._send("ex", "qall!")
            self.terminal.close()
        finally:
            self.stream.close()
            self.channel.close()
            shutil.rmtree(self.folder)
