"""Prints a suggestion as it grows; on a terminal, in its place in the code."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from starcoder_lsp.completion.postprocess.place import Place
from starcoder_lsp.completion.postprocess.safety import hidden_characters
from starcoder_lsp.flow import Completion, Cursor, Usage

# So many lines above and below the cursor are shown.
SHOWN_LINES = 12
DIM, BOLD, RESET = "\x1b[2m", "\x1b[1;32m", "\x1b[0m"


class Show:
    """The suggestion for one cursor."""

    def __init__(self, cursor: Cursor, *, is_shown: bool) -> None:
        self._cursor = cursor
        self._is_terminal = is_shown and sys.stdout.isatty()
        self._has_begun = False
        self._printed = ""

    def _begin(self) -> None:
        if not self._has_begun:
            above = self._cursor.prefix.splitlines(keepends=True)[-SHOWN_LINES:]
            self._print(f"{DIM}{''.join(above)}{RESET}{BOLD}")
        self._has_begun = True

    def grow(self, text: str) -> None:
        """Print what is new; white space waits until something follows it."""
        text = hidden_characters(text.rstrip(), Place(self._cursor))
        if self._is_terminal and text.startswith(self._printed):
            self._begin()
            self._print(text[len(self._printed) :])
            self._printed = text

    def end(self) -> None:
        """Leave the terminal's colours as they were, also after Ctrl-C."""
        if self._is_terminal and self._has_begun:
            self._print(RESET)

    def finish(self, completion: Completion, model: str) -> None:
        text = completion.text
        if not self._is_terminal:
            self._print(text + "\n" if text else "")
        else:
            self._begin()
            self._print(
                text.removeprefix(self._printed)
                if text.startswith(self._printed)
                else ""
            )
            below = self._cursor.suffix.splitlines(keepends=True)[:SHOWN_LINES]
            self._print(f"{RESET}{DIM}{''.join(below).rstrip()}{RESET}\n")
        print(self._summary(completion, model), file=sys.stderr)

    def _summary(self, completion: Completion, model: str) -> str:
        usage = completion.usage
        decode_ms = max(usage.total_ms - usage.first_token_ms, 0.1)
        rate = max(usage.generated_tokens - 1, 0) / decode_ms * 1000
        what = "nothing to suggest" if not completion.text else "done"
        if completion.text and not completion.text.startswith(self._printed):
            what = f"kept: {completion.text!r}"
        return (
            f"[{model}: {what}; {usage.prompt_tokens} prompt tokens, first token after "
            f"{usage.first_token_ms:.0f} ms, {usage.generated_tokens} tokens in "
            f"{usage.total_ms:.0f} ms, {rate:.0f} tokens/s, {usage.finish_reason}]"
        )

    @staticmethod
    def _print(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def advice(usage: Usage) -> Iterator[str]:
    """Return advice for a suggestion that ran out of time."""
    if usage.finish_reason != "time":
        return
    where = "reading the prompt" if not usage.generated_tokens else "writing"
    yield (
        f"starcoder-lsp: time was over after {usage.total_ms / 1000:.0f} s, while "
        f"{where}; try again when this machine is less busy, with --max-prompt-tokens "
        "256, or with a smaller model (starcoder-lsp models list)"
    )
