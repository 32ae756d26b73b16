"""The naive server of `benchmarks/typing`: starcoder-lsp without its scheduling.

It waits 150 ms after each key and then runs the model: no cache of suggestions, no
joining of running generations, no work ahead. The KV cache stays as it is.
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
