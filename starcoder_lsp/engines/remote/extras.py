"""Several texts for one prompt, and the likelihood of given texts, where a server can."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from starcoder_lsp.engines.remote.dialect import FINISHED, found
from starcoder_lsp.engines.remote.link import Link
from starcoder_lsp.engines.remote.prompt.forms import Formed
from starcoder_lsp.engines.remote.running import all_of
from starcoder_lsp.engines.remote.stops import StopFilter
from starcoder_lsp.engines.remote.trouble import Trouble
from starcoder_lsp.flow import Candidate, FinishReason, Limits, Prompt, Score

# The model may take its time.
PATIENCE_S = 60.0


async def candidates(
    link: Link, formed: Formed, prompt: Prompt, limits: Limits, n_wanted: int
) -> list[Candidate]:
    """Return up to `n_wanted` texts, the likeliest first; none where a server cannot.

    Raises Trouble.
    """
    if n_wanted < 1 or not isinstance(formed.fields["prompt"], list):
        return []
    if link.dialect.beams:
        texts = await _beams(link, formed, prompt, limits, n_wanted)
    elif link.dialect.branches:
        texts = await _branches(link, formed, prompt, limits, n_wanted)
    else:
        return []
    return [_one_line(one) for one in texts] if limits.one_line else texts


async def _beams(
    link: Link, formed: Formed, prompt: Prompt, limits: Limits, n_wanted: int
) -> list[Candidate]:
    """Let the server search for several texts at once."""
    row = link.dialect.beams
    body = link.requests.body(
        row["body"], formed, prompt.stops, limits.max_tokens, n=n_wanted
    )
    answer = await link.connection.post(link.dialect.path, body, PATIENCE_S)
    columns = [found(answer, row[name]) or [] for name in ("texts", "finishes")]
    logs = found(answer, row["log_probabilities"]) or []
    rows = itertools.zip_longest(*columns, logs)
    texts = [
        _candidate(text, _sum(log), FINISHED.get(reason, "stop"), prompt)
        for text, reason, log in rows
        if isinstance(text, str)
    ]
    return sorted(texts, key=lambda one: -one.log_probability)


async def _branches(
    link: Link, formed: Formed, prompt: Prompt, limits: Limits, n_wanted: int
) -> list[Candidate]:
    """Let the server go on after each of the likeliest first tokens.

    The prompt is in its cache by then, so that each text costs only its own tokens.
    """
    row, requests = link.dialect.branches, link.requests
    body = requests.body(row["first"], formed, (), 1, n=n_wanted)
    first, _ = await _spelled(link, body)
    stop_ids = requests.stop_ids(prompt.stops)
    likely = found(first[0], row["alternatives"]) if first else None
    tokens = [one for one in likely or [] if found(one, row["id"]) not in stop_ids]

    async def go_on(one: Any) -> Candidate:
        ids = [*formed.units, found(one, row["id"])]
        longer = Formed({"prompt": ids}, ids, len(ids))
        body = requests.body(row["rest"], longer, prompt.stops, limits.max_tokens - 1)
        more, ended = await _spelled(link, body)
        written = [one, *more]
        ids = [found(token, row["id"]) for token in written]
        n_kept = next((i for i, id in enumerate(ids) if id in stop_ids), len(ids))
        text = b"".join(
            _bytes_of(found(token, row["bytes"])) for token in written[:n_kept]
        )
        log = _sum([found(token, row["log_probability"]) for token in written])
        is_stopped = n_kept < len(ids)
        reason = FINISHED.get(ended, "stop")
        decoded = text.decode(errors="replace")
        return _candidate(decoded, log, "stop" if is_stopped else reason, prompt)

    texts = await all_of(*map(go_on, tokens[:n_wanted]))
    return sorted(texts, key=lambda one: -one.log_probability)


async def _spelled(link: Link, body: Any) -> tuple[list[Any], str]:
    """Return the tokens that a server writes, each with its bytes, and why it ended."""
    row, dialect = link.dialect.branches, link.dialect
    tokens: list[Any] = []
    ended = ""
    async with aclosing(
        link.connection.events(dialect.path, body, dialect.stream)
    ) as events:
        async for event in events:
            tokens += found(event, row["written"]) or []
            ended = str(found(event, row["finish"]) or ended)
    return tokens, ended


async def score(
    link: Link, formed: Formed, rows: Sequence[Sequence[int]]
) -> list[Score]:
    """Return how likely the tokens of each row are after a prompt. Raises Trouble."""
    written = [row for row in rows if row]
    if not written:
        return [Score(0.0, 0) for _ in rows]
    dialect = link.dialect
    body = link.requests.body(
        dialect.score["body"],
        formed,
        (),
        0,
        prompts=[[*formed.units, *row] for row in written],
    )
    answer = await link.connection.post(dialect.path, body, PATIENCE_S)
    logs = found(answer, dialect.score["log_probabilities"]) or []
    if len(logs) != len(written) or not all(isinstance(one, list) for one in logs):
        raise Trouble("wrong dialect", ": it does not tell log-probabilities")
    scored = iter(zip(written, logs, strict=True))
    scores = []
    for row in rows:
        total = 0.0
        if row:
            _, log = next(scored)
            total = _sum(log[-len(row) :])
        scores.append(Score(total, len(row)))
    return scores


def _candidate(
    text: str, log: float, reason: FinishReason, prompt: Prompt
) -> Candidate:
    stops = StopFilter(prompt.stops)
    text = stops.feed(text) + stops.end()
    return Candidate(text, log, "stop" if stops.is_over else reason)


def _one_line(one: Candidate) -> Candidate:
    line, newline, _ = one.text.partition("\n")
    return Candidate(
        line, one.log_probability, "stop" if newline else one.finish_reason
    )


def _sum(logs: Any) -> float:
    rows = logs if isinstance(logs, list) else []
    return float(sum(one for one in rows if isinstance(one, int | float)))


def _bytes_of(spelled: Any) -> bytes:
    """Return the bytes of a token, from a list of numbers."""
    rows = spelled if isinstance(spelled, list) else []
    return bytes(one for one in rows if type(one) is int and 0 <= one < 256)
