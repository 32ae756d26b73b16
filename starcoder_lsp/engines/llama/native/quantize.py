"""Converts a GGUF file to another quantization; a program, because it may crash.

    python -m starcoder_lsp.engines.llama.native.quantize SOURCE TARGET TYPE

It prints JSON lines: shares from 0 to 1, then perhaps an error. llama.cpp's quantizer is
described in tools/quantize/README.md of its repository.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys

from starcoder_lsp.runtime import frames, parent_watch

# llama.cpp reports each tensor as "[  12/ 272] blk.0.ffn_up.weight - ...".
TENSOR = re.compile(r"\[ *(\d+)/ *(\d+)\]")
ERROR = 4  # GGML_LOG_LEVEL_ERROR


def main(source: str, target: str, to: str) -> int:
    parent_watch.end_with_parent()
    out = frames.claim_stdout()

    def say(**report: object) -> None:
        out.write(json.dumps(report).encode() + b"\n")
        out.flush()

    import llama_cpp as llama

    types = {"q8_0": llama.LLAMA_FTYPE_MOSTLY_Q8_0}
    errors: list[str] = []

    def hear(level: int, text: bytes, _user_data: object) -> None:
        line = text.decode(errors="replace").strip()
        if level == ERROR:
            errors.append(line)
        if found := TENSOR.match(line):
            say(share=int(found[1]) / int(found[2]))

    log = llama.llama_log_callback(hear)
    llama.llama_log_set(log, ctypes.c_void_p(0))
    llama.llama_backend_init()
    params = llama.llama_model_quantize_default_params()
    params.ftype = types[to]
    params.allow_requantize = True
    params.nthread = os.cpu_count() or 1
    code = llama.llama_model_quantize(source.encode(), target.encode(), params)
    if code:
        say(error="; ".join(errors) or f"llama.cpp's quantizer answered {code}")
    return int(bool(code))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
