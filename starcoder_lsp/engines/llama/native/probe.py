"""Prints what llama.cpp was built for, as JSON; a program, because it may crash."""

from __future__ import annotations

import json
from dataclasses import asdict

from starcoder_lsp.runtime import frames, parent_watch


def main() -> None:
    parent_watch.end_with_parent()
    out = frames.claim_stdout()
    from starcoder_lsp.engines.llama.native import devices, library

    library.set_up()
    answer = {
        "build": library.build_description(),
        "gpu": library.supports_gpu(),
        "devices": [asdict(device) for device in devices.devices()],
    }
    out.write(json.dumps(answer).encode())
    out.flush()


if __name__ == "__main__":
    main()
