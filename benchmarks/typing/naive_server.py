"""starcoder-lsp as a simple server would be: what `benchmarks/typing` compares with.

It waits 150 ms after each key and asks the model then: no cache of answers, no joining
of what is being written, nothing ahead of time. The KV cache works as in the product.
"""

from __future__ import annotations

import sys
from typing import Any

from starcoder_lsp import cli
from starcoder_lsp.suggesting import scheduler
from starcoder_lsp.suggesting.cache import Cache
from starcoder_lsp.suggesting.debounce import Debouncer
from starcoder_lsp.suggesting.speculation import Speculator

DEBOUNCE_S = 0.15


def finds_nothing(self: Cache, key: Any) -> None: ...


def waits(self: Debouncer, *_: Any, **__: Any) -> float:
    return DEBOUNCE_S


def never(*_: Any) -> bool:
    return False


def main() -> None:
    Cache.find = finds_nothing  # type: ignore[method-assign]
    Debouncer.delay_s = waits  # type: ignore[method-assign]
    Speculator.is_allowed = never  # type: ignore[method-assign]
    scheduler._Generation.may_serve = never  # type: ignore[method-assign]
    scheduler.GRACE_S = 0.0
    cli.main(["serve", *sys.argv[1:]])


if __name__ == "__main__":
    main()
