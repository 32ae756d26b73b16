"""Shows downloads on a terminal, or as JSON lines for a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from starcoder_lsp.models import background
from starcoder_lsp.models.progress import OnReport, Report
from starcoder_lsp.models.registry import Model
from starcoder_lsp.settings import terms


def reporter(model: Model, *, is_json: bool, action: str = "") -> OnReport:
    """Report as JSON lines, as one line that moves on a terminal, or in quarters.

    `action` is what happens to the model; by default it is downloaded.
    """
    action = action or f"from {model.published.address}"
    quarter = -1

    def report(state: Report) -> None:
        nonlocal quarter
        if is_json:
            say(background.frame_of(state))
            return
        is_terminal = sys.stderr.isatty()
        if not is_terminal and int(state.share * 4) == quarter:
            return
        quarter = int(state.share * 4)
        text = f"{model.name} {action}: {state}"
        # Spaces cover what is left of a longer line.
        start, end = ("\r", " " * 8) if is_terminal else ("", "\n")
        print(f"{start}{text}", end=end, file=sys.stderr, flush=True)

    return report


def show_terms(model: Model) -> None:
    """Print what a user should know before the first use of a model."""
    licence = model.terms
    lines = [f"licence: {licence.name} {licence.link}".strip()]
    if licence.restrictions:
        lines.append(f"restrictions: {licence.restrictions}")
    lines += [f"warning: {warning}" for warning in model.warnings]
    print("\n".join(lines), file=sys.stderr)
    terms.note_shown(model)


def say(report: Mapping[str, object]) -> None:
    print(json.dumps(dict(report)), flush=True)
