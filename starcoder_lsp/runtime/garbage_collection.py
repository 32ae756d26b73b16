"""How rarely a child process looks for garbage.

What a file or a query leaves behind goes with its last reference, and few cycles are ever
made; to look through all that is kept would hold up an answer for 20 ms now and then.
"""

from __future__ import annotations

import gc

# Objects that came and have not gone.
THRESHOLD = 50_000


def collect_rarely() -> None:
    """To be called when all is imported: what is there now is not looked at again."""
    gc.freeze()
    gc.set_threshold(THRESHOLD)
