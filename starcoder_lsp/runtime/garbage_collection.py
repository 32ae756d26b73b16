"""Makes garbage collection rare in a child process.

Most objects are freed with their last reference, and few cycles are ever made. A
collection of everything that is kept would delay an answer by 20 ms now and then.
"""

from __future__ import annotations

import gc

# Collect when this many more objects were allocated than freed.
THRESHOLD = 50_000


def collect_rarely() -> None:
    """Exclude the objects of now from collections; to be called after all imports."""
    gc.freeze()
    gc.set_threshold(THRESHOLD)
