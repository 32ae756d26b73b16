"""Commands ask once, and get what an editor would get after a moment."""

from __future__ import annotations

import pytest

from starcoder_lsp.cli import workspace
from starcoder_lsp.context import Gathered, NoContext
from starcoder_lsp.flow import Cursor

CURSOR = Cursor.marked("x = █")


class SlowContext(NoContext):
    """Knows the file only when it is asked for the last time."""

    n_asked = 0

    async def gather(
        self, cursor: Cursor, budget_characters: int, shown: range
    ) -> Gathered:
        self.n_asked += 1
        return Gathered(path="a.py" if self.n_asked == workspace.N_ASKED else "")


async def test_a_command_waits_until_the_file_is_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workspace, "AGAIN_S", 0.0)
    found = await workspace.gathered(SlowContext(), CURSOR, 100, range(0))
    assert found.path == "a.py"
