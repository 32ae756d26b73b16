"""Compares writing behind long prompts with llama.cpp's own kernels.

    python benchmarks/depth.py MODEL.gguf [--rounds N] [--depths 0,512,1536,3072]

All take turns in one process. The library computes single tokens with flash attention off
and on (f16), and at each depth the better of the two counts. Our session first chooses
its kernel, as it does in a pause after loading; then it answers keystrokes: one token
read, eight written. The text has no repetition, so that drafts do not help us.

With --cpu, one thread computes and its processor time counts, so that other processes
hardly change the figures.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import time
from pathlib import Path

from starcoder_lsp.engines.llama.machine import gguf, hardware, kernels
from starcoder_lsp.engines.llama.native import abort, library
from starcoder_lsp.engines.llama.native.kernel import FLASHING, PLAIN
from starcoder_lsp.engines.llama.native.library import LlamaContext, LlamaModel
from starcoder_lsp.engines.llama.native.threads import Threads, choices
from starcoder_lsp.engines.llama.process.persistent_session import PersistentSession
from starcoder_lsp.flow import Limits, Prompt, Text

N_BATCH, N_WRITTEN = 256, 8
clock = time.perf_counter
LIBRARY = {"off": PLAIN, "on": FLASHING}


class Bare:
    """A context of the library that reads a text and decodes single tokens behind it."""

    def __init__(self, model: LlamaModel, kernel: str, n_context: int, n_threads: int):
        self._context = LlamaContext(
            model,
            n_context=n_context,
            n_sequences=1,
            n_batch=N_BATCH,
            threads=Threads((n_threads,)),
            kernel=LIBRARY[kernel],
            should_abort=lambda: False,
        )
        self._n_read = 0

    def read(self, tokens: list[int]) -> None:
        for start in range(self._n_read, len(tokens), N_BATCH):
            batch = tokens[start : start + N_BATCH]
            self._context.evaluate([(0, start + i, t) for i, t in enumerate(batch)])
        self._n_read = len(tokens)

    def decode_s(self, token: int) -> float:
        """Return the seconds per token of nine tokens, as many as a keystroke computes."""
        started = clock()
        for i in range(N_WRITTEN + 1):
            self._context.evaluate([(0, self._n_read + i, token)])
            self._context.logits()
        taken = clock() - started
        self._context.keep(0, self._n_read)
        return taken / (N_WRITTEN + 1)


class Ours:
    """Our session, which has chosen its kernel."""

    def __init__(
        self, model: LlamaModel, path: Path, n_context: int, numbers: tuple[int, ...]
    ):
        # What the session measures itself, too, is measured by this clock.
        self.session = PersistentSession(
            model,
            n_context=n_context,
            n_threads=numbers[0],
            n_slots=1,
            threads=Threads(numbers),
        )
        self.session._clock = clock
        # A random model may end the text at once.
        self.session._is_last = lambda prompt: lambda token: False  # type: ignore[method-assign]
        width = gguf.read_header(path).head_width
        self.session.kernels = kernels.candidates(
            "f16", is_chosen=False, head_width=width, is_on_gpu=False
        )

    def choose(self, n_depth: int) -> None:
        known = self.session.measure(lambda: False)
        assert known is not None
        measured = self.session.measure_kernels(lambda: False, known)
        if measured:
            for kernel, speed in measured.items():
                print(f"  {kernel}: {speed}")
            mix = kernels.Mix(2.0, N_WRITTEN, n_depth)
            self.session.adopt(kernels.fastest(measured, mix, PLAIN)[0])
        print(f"  ours computes with {self.session.kernel}", flush=True)

    def keystroke_s(self, text: str) -> tuple[float, float]:
        """Return the seconds of a keystroke behind `text`, and those of a token in it."""
        limits = Limits(N_WRITTEN, 600_000)
        started = clock()
        pieces = list(
            self.session.generate(Prompt((Text(text),)), limits, lambda: False)
        )
        taken = clock() - started
        usage = pieces[-1].usage
        if usage.evaluated_tokens > 3:
            return 0.0, 0.0  # the first one at this depth, which reads the prompt
        decode_ms = usage.total_ms - usage.first_token_ms
        return taken, decode_ms / (usage.generated_tokens - 1) / 1000


def text_of(n_characters: int) -> str:
    words = random.Random(3)
    return " ".join(f"{words.randrange(10**6):x}" for _ in range(n_characters // 5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--rounds", type=int, default=14)
    parser.add_argument("--depths", default="0,512,1536,3072")
    parser.add_argument("--cpu", action="store_true", help="processor time of a thread")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args()
    hardware.limit_spinning()
    library.set_up()
    model = LlamaModel(arguments.model)
    depths = [int(depth) for depth in arguments.depths.split(",")]
    n_context = max(depths) + 512
    numbers = choices(hardware.n_cores())
    if arguments.cpu:
        global clock
        clock, numbers = time.process_time, (1,)
        # A token that other processes hold up would count as a slow one.
        abort.UNPOLLED_S = math.inf
    bare = {name: Bare(model, name, n_context, numbers[0]) for name in LIBRARY}
    ours = Ours(model, arguments.model, n_context, numbers)
    ours.choose(max(depths))
    tokens = model.vocabulary.encode(text_of(10 * n_context))
    rows = []
    print(
        f"{'depth':>6}{'off':>8}{'on':>8}{'ours':>8}{'ratio':>7}{'keystroke / 9':>15}"
    )
    for depth in depths:
        held = tokens[: max(depth, 1)]
        text = b"".join(map(model.vocabulary.bytes_of, held)).decode(errors="replace")
        times: dict[str, list[float]] = {"off": [], "on": [], "ours": [], "key": []}
        for one in bare.values():
            one.read(held)
        ours.keystroke_s(text)
        for turn in range(arguments.rounds):
            for name, one in bare.items():
                times[name].append(one.decode_s(tokens[0]))
            key_s, token_s = ours.keystroke_s(text + " abcdefgh"[: 1 + turn % 8])
            if key_s:
                times["key"].append(key_s)
                times["ours"].append(token_s)
        ms = {name: statistics.median(each) * 1000 for name, each in times.items()}
        best = min(ms["off"], ms["on"])
        ratio, key = best / ms["ours"], ms["key"] / (best * (N_WRITTEN + 1))
        print(f"{depth:6}{ms['off']:8.1f}{ms['on']:8.1f}{ms['ours']:8.1f}{ratio:7.2f}{key:15.2f}",
              flush=True)  # fmt: skip
        rows.append({"depth": depth, **ms, "speed_ratio": ratio, "keystroke": key})
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
