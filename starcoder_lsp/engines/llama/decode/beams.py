"""Finds several texts after one prompt: the likeliest lines, by beam search.

The search has a context of its own whose sequences share their cells, so that the prompt
is stored once for all of them and a fork costs nothing. The prompt is evaluated in the
session's slots; its KV cache is copied over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from starcoder_lsp.engines.llama.decode.sampling import (
    Logits,
    check_numbers,
    log_sum_exp,
)
from starcoder_lsp.engines.llama.native.kernel import Kernel
from starcoder_lsp.engines.llama.native.library import LlamaContext, LlamaModel, Row
from starcoder_lsp.engines.llama.native.threads import Threads

IsLast = Callable[[int], bool]
# How many texts grow side by side, and how many tokens they may have.
N_SEQUENCES = 8
MAX_BEAM_TOKENS = 128
N_BATCH = 128
# A text whose log-probability is so much below the best (e^3 = 20 times less likely) is
# given up.
MAX_LAG = 3.0


@dataclass(frozen=True)
class Beam:
    """A text that grows; `held` is what its tokens still have to spell.

    `log_probability` is natural. `sequence` is the sequence with its KV cache.
    """

    tokens: tuple[int, ...] = ()
    held: bytes = b""
    spelled: bytes = b""
    log_probability: float = 0.0
    sequence: int = 0
    is_finished: bool = False

    @property
    def is_whole_line(self) -> bool:
        """True if the text ends, or has a line that is not blank and ends."""
        return self.is_finished or b"\n" in self.spelled.lstrip()

    @property
    def line(self) -> bytes:
        text = self.spelled
        blank = len(text) - len(text.lstrip())
        end = text.find(b"\n", blank)
        return text if end < 0 else text[:end]


@dataclass
class BeamSearch:
    """Searches after one prompt at a time.

    `should_abort` ends a search; it then returns what it has found.
    """

    model: LlamaModel
    n_context: int
    threads: Threads
    kernel: Kernel
    should_abort: Callable[[], bool]
    _n_prompt: int = 0
    _context: LlamaContext = field(init=False)

    def __post_init__(self) -> None:
        self._context = LlamaContext(
            self.model,
            n_context=self.n_context + N_SEQUENCES * MAX_BEAM_TOKENS,
            n_sequences=N_SEQUENCES,
            n_batch=N_BATCH,
            threads=self.threads,
            kernel=self.kernel,
            is_shared=True,
            should_abort=lambda: self.should_abort(),
        )

    def free(self) -> None:
        """Release the memory; the search cannot be used again."""
        self._context.free()

    def read(
        self, tokens: Sequence[int], source: LlamaContext, sequence: int
    ) -> Logits:
        """Copy a prompt's KV cache from where it was read; return the next logits.

        Raises TimeoutError when it was aborted.
        """
        self._context.clear()
        self._n_prompt = n_known = len(tokens) - 1
        if not self._context.take_over(source, sequence, n_known):
            # A cache of another kind: evaluate the prompt again.
            n_known = 0
        for start in range(n_known, len(tokens), N_BATCH):
            part = tokens[start : start + N_BATCH]
            rows = [(0, start + i, token) for i, token in enumerate(part)]
            self._evaluate(rows)
        self._n_prompt = len(tokens)
        root = self._context.logits().copy()
        check_numbers(root)
        self._share(range(1, N_SEQUENCES), 0)
        return root

    def lines(
        self,
        root: Logits,
        held: bytes,
        is_last: IsLast,
        n_wanted: int,
        n_most: int,
    ) -> list[Beam]:
        """Return the `n_wanted` likeliest lines, the likeliest first.

        `root` are the logits after the prompt, `held` is the text that it holds back,
        and `n_most` limits the tokens of a line.
        """
        width = min(max(n_wanted, 2), N_SEQUENCES)
        live = [(Beam(held=held), root)]
        done: dict[bytes, Beam] = {}
        for _ in range(min(n_most, MAX_BEAM_TOKENS)):
            forks = self._forks(live, is_last, width)
            for beam in forks:
                if beam.is_whole_line:
                    done.setdefault(beam.line, beam)
            found = _best(done.values(), n_wanted)
            growing = _promising(forks, found, width, n_wanted)
            if not growing:
                break
            try:
                live = self._advance(growing)
            except TimeoutError:
                break
        begun = [beam for beam, _ in live if beam.tokens]
        return _best(done.values(), n_wanted) or begun

    def go_on(self, beams: Sequence[Beam], is_last: IsLast, n_most: int) -> list[Beam]:
        """Continue each text greedily, side by side, up to `n_most` tokens."""
        grown = [replace(beam, sequence=i) for i, beam in enumerate(beams)]
        try:
            live = self._replay([beam for beam in grown if not beam.is_finished])
            while live:
                longer = [self._greedy(beam, logits, is_last) for beam, logits in live]
                for beam in longer:
                    grown[beam.sequence] = beam
                room = min(n_most, MAX_BEAM_TOKENS)
                live = self._advance(
                    [b for b in longer if not b.is_finished and len(b.tokens) < room]
                )
        except TimeoutError:
            pass
        return grown

    def _forks(
        self, live: Sequence[tuple[Beam, Logits]], is_last: IsLast, width: int
    ) -> list[Beam]:
        """Return all continuations of the live beams, the likeliest first."""
        forks = [
            fork
            for beam, logits in live
            for fork in self._grown(beam, logits, is_last, width)
        ]
        return sorted(forks, key=lambda beam: -beam.log_probability)

    def _grown(
        self, beam: Beam, logits: Logits, is_last: IsLast, width: int
    ) -> Iterator[Beam]:
        total = log_sum_exp(logits)
        vocabulary = self.model.vocabulary
        if beam.held:
            agreeing = vocabulary.agreeing(beam.held)
            order = np.argsort(-logits[agreeing])[:width]
            tokens = [agreeing[int(i)] for i in order]
        else:
            tokens = np.argpartition(-logits, width)[:width].tolist()
        for token in tokens:
            chance = float(logits[token]) - total
            yield self._with(beam, token, chance, is_last)

    def _with(self, beam: Beam, token: int, chance: float, is_last: IsLast) -> Beam:
        grown = replace(beam, log_probability=beam.log_probability + chance)
        if is_last(token):
            return replace(grown, is_finished=True)
        piece = self.model.vocabulary.bytes_of(token)
        return replace(
            grown,
            tokens=(*beam.tokens, token),
            held=beam.held[len(piece) :],
            spelled=beam.spelled + piece[len(beam.held) :],
        )

    def _greedy(self, beam: Beam, logits: Logits, is_last: IsLast) -> Beam:
        token = int(logits.argmax())
        return self._with(beam, token, _log_probability(logits, token), is_last)

    def _advance(self, beams: Sequence[Beam]) -> list[tuple[Beam, Logits]]:
        """Evaluate the last token of each beam, in a sequence of its own."""
        if not beams:
            return []
        placed = self._placed(beams)
        position = self._n_prompt - 1
        self._evaluate(
            [(b.sequence, position + len(b.tokens), b.tokens[-1]) for b in placed],
            every=True,
        )
        return [(b, self._context.logits(i).copy()) for i, b in enumerate(placed)]

    def _placed(self, beams: Sequence[Beam]) -> list[Beam]:
        """Give each beam a sequence: the first child of a parent keeps the parent's."""
        used = {beam.sequence for beam in beams}
        free = [s for s in range(N_SEQUENCES) if s not in used]
        taken: set[int] = set()
        placed = []
        for beam in beams:
            if beam.sequence in taken:
                target = free.pop()
                self._share([target], beam.sequence)
                beam = replace(beam, sequence=target)
            taken.add(beam.sequence)
            placed.append(beam)
        return placed

    def _replay(self, beams: Sequence[Beam]) -> list[tuple[Beam, Logits]]:
        """Evaluate whole texts again, each in its own sequence."""
        for sequence in range(N_SEQUENCES):
            self._context.keep(sequence, self._n_prompt)
        rows = [
            (beam.sequence, self._n_prompt + i, token)
            for beam in beams
            for i, token in enumerate(beam.tokens)
        ]
        last: dict[int, Logits] = {}
        for start in range(0, len(rows), N_BATCH):
            part = rows[start : start + N_BATCH]
            self._evaluate(part, every=True)
            for i, row in enumerate(part):
                last[row[0]] = self._context.logits(i).copy()
        return [(beam, last[beam.sequence]) for beam in beams]

    def _share(self, targets: Sequence[int], source: int) -> None:
        for target in targets:
            self._context.keep(target, 0)
            self._context.copy(source, target)

    def _evaluate(self, rows: Sequence[Row], *, every: bool = False) -> None:
        n_logits = len(rows) if every else 1
        if self.should_abort() or not self._context.evaluate(rows, n_logits):
            raise TimeoutError


def _promising(
    forks: Sequence[Beam], found: Sequence[Beam], width: int, n_wanted: int
) -> list[Beam]:
    """Return the forks that may still end among the best, the likeliest first."""
    is_full = len(found) == n_wanted
    bar = found[-1].log_probability if is_full else -math.inf
    best = max(beam.log_probability for beam in (*forks[:1], *found[:1]))
    bar = max(bar, best - MAX_LAG)
    growing = (beam for beam in forks if not beam.is_whole_line)
    return [beam for beam in growing if beam.log_probability > bar][:width]


def _best(beams: Iterable[Beam], n_wanted: int) -> list[Beam]:
    return sorted(beams, key=lambda beam: -beam.log_probability)[:n_wanted]


def _log_probability(logits: Logits, token: int) -> float:
    return float(logits[token]) - log_sum_exp(logits)
