"""Compares decoding with and without lookup drafts.

    python benchmarks/drafting.py [MODEL.gguf] [--runs 5] [--tokens 64] [--threads N]

The default model is SmolLM2-135M, as `starcoder-lsp models get smollm2-135m` downloads
it. The columns are tokens per second after the first token, the ratio of the two, and the
share of runs in which both generated the same text. The texts can differ where two tokens
are equally likely within rounding, because llama.cpp's kernels for one token and for
several round differently.
"""

from __future__ import annotations

import argparse
import inspect
import json
import statistics
import textwrap
from collections.abc import Sequence
from pathlib import Path

from starcoder_lsp.completion.prompt import hold_back
from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.machine import hardware
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.flow import Limits, Prompt, Text
from starcoder_lsp.models import registry
from starcoder_lsp.settings import assemble

HANDLER = '''
def handle_{name}(request, response):
    """Answer a request for one {name}."""
    if not request.user.is_authenticated:
        return response.error(401, "log in first")
    {name} = request.database.find("{name}", request.parameters["id"])
    if {name} is None:
        return response.error(404, "there is no such {name}")
    if request.method == "DELETE":
        request.database.delete("{name}", {name}.id)
        return response.empty(204)
    return response.json(200, {name}.to_dictionary())

'''
CASE = """
    def test_{name}_is_kept(self):
        store = Store(self.directory)
        store.put("{name}", {name}_value)
        self.assertEqual(store.get("{name}"), {name}_value)
        store.close()
"""
RECORD = """    {{
        "name": "{name}",
        "kind": "builtin",
        "enabled": true,
        "permissions": ["read", "write", "delete"],
        "limits": {{"requests_per_minute": 600, "burst": 50}},
        "owner": "platform-team@example.com"
    }},
"""
VIEW = """
class {name}View(BaseView):
    queryset = {name}.objects.all().order_by("-created_at")
    serializer_class = {name}Serializer
    permission_classes = [IsAuthenticated, IsOwnerOrReadOnly]
    pagination_class = StandardResultsPagination
    filter_backends = [DjangoFilterBackend, SearchFilter, OrderingFilter]

"""


def traces() -> dict[str, list[str]]:
    """Return the texts to continue, by the name of what comes next."""
    prose = inspect.cleandoc(argparse.__doc__ or "")
    source = inspect.getsource(textwrap)
    cuts = [len(source) * n // 7 for n in range(2, 7)]
    return {
        "a block again": once_more(HANDLER, ["user"] * 3, (60, 150, 250)),
        "another record": once_more(RECORD, ["user", "order", "product"], (40, 70, 100)),
        "another view": once_more(VIEW, ["User", "Order", "Product"], (30, 60, 90)),
        "another handler": once_more(HANDLER, ["user", "order", "product"], (90, 200, 290)),
        "test cases": ["class Tests(TestCase):" + "".join(once_more(CASE, ["first", "second", "third"], (17,)))],
        "ordinary code": [source[: source.rfind("\n", 0, cut) + 1] for cut in cuts],
        "prose": [prose[:700], prose[:1500]],
    }  # fmt: skip


def once_more(block: str, names: list[str], cuts: Sequence[int]) -> list[str]:
    """Return texts of similar blocks whose last block is cut after `cuts` characters."""
    whole = "".join(block.format(name=name) for name in names)
    last = names[-1] if len(set(names)) == 1 else "invoice"
    return [whole + block.format(name=last)[:cut] for cut in cuts]


def run(session: LlamaSession, text: str, n_tokens: int) -> tuple[float, str]:
    """Return the tokens per second after the first token, and the generated text."""
    read, held_back = hold_back(text)
    prompt = Prompt((Text(read, "start"),), held_back)
    limits = Limits(n_tokens, 600_000)
    pieces = list(session.generate(prompt, limits, lambda: False))
    usage = pieces[-1].usage
    seconds = (usage.total_ms - usage.first_token_ms) / 1000
    written = "".join(piece.text for piece in pieces)
    return (usage.generated_tokens - 1) / max(seconds, 1e-9), written


def measure(
    plain: LlamaSession,
    drafting: LlamaSession,
    texts: list[str],
    n_tokens: int,
    n_runs: int,
) -> dict[str, float]:
    speeds: dict[str, list[float]] = {"plain": [], "drafting": []}
    ratios, n_same = [], 0
    for turn in range(n_runs):
        for text in texts:
            order = [("plain", plain), ("drafting", drafting)]
            done = {}
            for name, session in order if turn % 2 else reversed(order):
                speed, done[name] = run(session, text, n_tokens)
                speeds[name].append(speed)
            ratios.append(speeds["drafting"][-1] / speeds["plain"][-1])
            n_same += done["plain"] == done["drafting"]
    return {
        "plain": statistics.median(speeds["plain"]),
        "drafting": statistics.median(speeds["drafting"]),
        "ratio": statistics.median(ratios),
        "same": n_same / len(ratios),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, help="a GGUF file")
    parser.add_argument("--runs", type=int, default=5, help="runs of each text")
    parser.add_argument("--tokens", type=int, default=64, help="tokens to generate")
    parser.add_argument("--threads", type=int, default=hardware.n_cores())
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args()
    path = arguments.model or assemble.store().locate(registry.find("smollm2-135m"))
    hardware.limit_spinning()
    library.set_up()
    model = LlamaModel(path)
    plain, drafting = (
        LlamaSession(
            model,
            n_context=2048,
            n_threads=arguments.threads,
            n_slots=1,
            drafts=drafts,
        )
        for drafts in (False, True)
    )
    rows = {}
    print(f"{'trace':28}{'plain':>9}{'drafting':>10}{'ratio':>8}{'same text':>11}")
    for name, texts in traces().items():
        row = rows[name] = measure(
            plain, drafting, texts, arguments.tokens, arguments.runs
        )
        print(
            f"{name:28}{row['plain']:9.1f}{row['drafting']:10.1f}"
            f"{row['ratio']:8.2f}{row['same']:11.0%}",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
