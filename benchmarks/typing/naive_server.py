"""starcoder-lsp as a simple server would be: what `benchmarks/typing` compares with.

It waits 150 ms after each key and asks the model then: no cache of answers, no joining
of what is being written, nothing ahead of time. The KV cache works as in the product.
"""

from __future__ import annotations

import sys
from typing import Any

from starcoder_lsp import cli
from starcoder_lsp.suggesting import scheduler, suggester
from starcoder_lsp.suggesting.cache import Cache
from starcoder_lsp.suggesting.debounce import Rhythm

DEBOUNCE_S = 0.15


def finds_nothing(self: Cache, spot: Any) -> None: ...


def waits(self: Rhythm, *_: Any, **__: Any) -> float:
    return DEBOUNCE_S


def never(*_: Any) -> bool:
    return False


def main() -> None:
    Cache.find = finds_nothing  # type: ignore[method-assign]
    Rhythm.delay_s = waits  # type: ignore[method-assign]
    suggester.Suggester._may_speculate = never  # type: ignore[method-assign]
    scheduler._Generation.may_serve = never  # type: ignore[method-assign]
    scheduler.GRACE_S = 0.0
    cli.main(["serve", *sys.argv[1:]])


if __name__ == "__main__":
    main()
