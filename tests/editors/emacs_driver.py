"""Drives a real Emacs with our package, in a terminal and over a socket."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from editors.driver import DEADLINE_S, binaries, eventually
from editors.pseudo_terminal import ALT_AS_ESCAPE, Terminal

PACKAGE = Path(__file__).parents[2] / "editors" / "emacs"

# Evaluates each line that the driver sends, and answers with the value as JSON.
INIT = """\
(setq inhibit-startup-screen t make-backup-files nil auto-save-default nil
      create-lockfiles nil ring-bell-function #'ignore debug-on-error nil
      vc-handled-backends '(Git) message-log-max 1000 confirm-kill-processes nil
      eldoc-idle-delay 1000 electric-indent-mode nil)
;; A new home has no compiled code, and compiling would take minutes.
(setq native-comp-jit-compilation nil native-comp-enable-subr-trampolines nil)
(set-language-environment "UTF-8")
(push (getenv "PACKAGE") load-path)
(require 'starcoder)
(defvar driver-answer nil)
(defun driver-json (value)
  (cond ((null value) :null)
        ((eq value t) t)
        ((stringp value) (substring-no-properties value))
        ((numberp value) value)
        ((listp value) (vconcat (mapcar #'driver-json value)))
        (t (format "%s" value))))
(make-network-process
 :name "driver" :family 'local :service (getenv "DRIVER") :coding 'utf-8-unix :noquery t
 :filter
 (lambda (process text)
   (dolist (line (split-string text "\\n" t))
     (with-current-buffer (window-buffer (selected-window))
       (let ((json (condition-case problem
                       (json-serialize
                        (driver-json (eval (car (read-from-string line)) t)))
                     (error (json-serialize (error-message-string problem))))))
         (process-send-string
          process (concat (decode-coding-string json 'utf-8) "\\n")))))))
"""
GHOST = '(or (and starcoder-inline-active (starcoder-inline-rest)) "")'
# The text in the first lines as it is drawn, with ghost text.
DRAWN = """
(let ((text "") (at (point-min)))
  (while (<= at (point-max))
    (dolist (overlay (sort (overlays-in at at)
                           (lambda (a b) (< (overlay-start a) (overlay-start b)))))
      (when (= (overlay-start overlay) at)
        (setq text (concat text (overlay-get overlay 'after-string)))))
    (when (< at (point-max))
      (setq text (concat text (char-to-string (char-after at)))))
    (setq at (1+ at)))
  text)
"""


def emacs_binaries() -> list[str]:
    return binaries("STARCODER_LSP_TEST_EMACS", "emacs")


def lisp(plain: Any) -> str:
    """Return an Emacs Lisp expression.

    >>> lisp({"a b": ["x", 1, True, None]})
    '(list :a\\\\ b (vector "x" 1 t nil))'
    """
    match plain:
        case bool() | None:
            return "t" if plain else "nil"
        case str():
            return json.dumps(plain, ensure_ascii=False)
        case dict():
            pairs = (
                f":{key.replace(' ', chr(92) + ' ')} {lisp(v)}"
                for key, v in plain.items()
            )
            return f"(list {' '.join(pairs)})"
        case list():
            return f"(vector {' '.join(map(lisp, plain))})"
        case _:
            return str(plain)


class Emacs:
    """An Emacs with the package; `before` is Emacs Lisp."""

    def __init__(self, binary: str, folder: Path, before: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="emacs"))
        init = self.folder / "init.el"
        init.write_text(f";;; -*- lexical-binding: t -*-\n{INIT}{before}\n")
        address = str(self.folder / "driver")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(address)
            listening.listen()
            listening.settimeout(DEADLINE_S)
            self.terminal = Terminal(
                [binary, "-nw", "-Q", "-l", str(init)],
                folder,
                {"DRIVER": address, "PACKAGE": str(PACKAGE), "HOME": str(self.folder)},
                ALT_AS_ESCAPE,
            )
            self.channel, _ = listening.accept()
        self.channel.settimeout(DEADLINE_S)
        self.stream = self.channel.makefile("r", encoding="utf-8")

    def type(self, keys: str) -> None:
        """Press keys, in Vim's notation: `x<Tab>`, `<C-n>`."""
        self.terminal.type(keys)

    def eval(self, expression: str) -> Any:
        """Return the value of an Emacs Lisp expression in the selected window's buffer."""
        self.channel.sendall((" ".join(expression.split("\n")) + "\n").encode())
        return json.loads(self.stream.readline())

    def ghost(self) -> str:
        """Return the ghost text, "" if there is none."""
        return str(self.eval(GHOST))

    def text(self) -> str:
        return str(self.eval("(buffer-string)"))

    def drawn(self) -> str:
        """Return the text of the buffer with ghost text."""
        return str(self.eval(DRAWN))

    def point(self) -> int:
        """Return the number of characters before point."""
        return int(self.eval("(1- (point))"))

    def visit(self, path: Path) -> None:
        self.eval(f"(find-file {lisp(str(path))})")

    def messages(self) -> str:
        return str(self.eval('(with-current-buffer "*Messages*" (buffer-string))'))

    def told(self) -> str:
        """Return the message of `starcoder-status`."""
        return str(self.eval("(progn (starcoder-status) (current-message))"))

    def execute(self, command: str, *arguments: Any) -> Any:
        """Run a command on the server, which has then received all earlier messages."""
        self.eval("(setq driver-answer 'none)")
        self.eval(
            f"(starcoder-inline-execute {lisp(command)} {lisp(list(arguments))}"
            " (lambda (result) (setq driver-answer result)))"
        )
        eventually(lambda: self.eval("driver-answer") != "none")
        return self.eval("driver-answer")

    def close(self) -> None:
        try:
            self.channel.sendall(b"(kill-emacs)\n")
            self.terminal.close()
        finally:
            self.stream.close()
            self.channel.close()
            shutil.rmtree(self.folder)
