"""Servers that speak each dialect of remote engines well, for tests to spoil."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from http_server import Answer, Reply, Request, reply

from starcoder_lsp.engines.remote.dialect import dialects
from starcoder_lsp.engines.remote.server import RemoteServer, server_of

NAMES = tuple(dialects())
WITH_IDS = tuple(name for name, one in dialects().items() if one.prompt == "ids")
MODEL = "starcoder2-3b"
N_CONTEXT = 4096

# A vocabulary: control tokens, and then one token for each byte.
CONTROLS = [
    "<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>",
    "<repo_name>", "<file_sep>", "<issue_start>", "<NAME>", "<EMAIL>", "<KEY>",
    "<PASSWORD>", "<jupyter_start>", "<jupyter_text>", "<jupyter_code>",
    "<jupyter_output>", "<jupyter_script>", "<empty_output>",
]  # fmt: skip
FIRST_BYTE = 1000


def tokens_of(text: str, *, parses: bool) -> list[int]:
    """Tokenize as a server does that parses control tokens, or does not."""
    if not parses:
        return [FIRST_BYTE + byte for byte in text.encode()]
    pattern = re.compile("(" + "|".join(map(re.escape, CONTROLS)) + ")")
    ids: list[int] = []
    for part in pattern.split(text):
        if part in CONTROLS:
            ids.append(CONTROLS.index(part))
        else:
            ids += tokens_of(part, parses=False)
    return ids


def text_of(ids: Sequence[int]) -> str:
    """Spell tokens; control tokens are in `«»`, so that they differ from text."""
    spelled = b""
    for one in ids:
        is_byte = one >= FIRST_BYTE
        spelled += (
            bytes([one - FIRST_BYTE]) if is_byte else f"«{CONTROLS[one]}»".encode()
        )
    return spelled.decode()


def _sse(events: Sequence[Any], *, done: bool = True) -> list[bytes]:
    rows = [
        b"data: " + json.dumps(one, ensure_ascii=False).encode() + b"\n\n"
        for one in events
    ]
    return [*rows, b"data: [DONE]\n\n"] if done else rows


def stream_of(name: str, texts: Sequence[str], finish: str = "length") -> list[bytes]:
    """Return the bytes of a streamed answer in a dialect, an event each."""
    if name == "llama-server":
        finish = {"length": "limit", "stop": "eos"}.get(finish, finish)
        timings = {
            "prompt_n": 40,
            "prompt_ms": 20,
            "predicted_n": len(texts),
            "predicted_ms": 10,
        }
        rows = [{"content": text, "tokens": [5000], "stop": False} for text in texts]
        last = {
            "content": "",
            "tokens": [],
            "stop": True,
            "stop_type": finish,
            "timings": timings,
        }
        return _sse([*rows, last], done=False)
    if name == "sglang":
        whole = ["".join(texts[: i + 1]) for i in range(len(texts))]
        meta = {"prompt_tokens": 50, "cached_tokens": 10}
        rows = [
            {"text": text, "meta_info": {**meta, "finish_reason": None}}
            for text in whole
        ]
        last = {
            "text": "".join(texts),
            "meta_info": {**meta, "finish_reason": {"type": finish}},
        }
        return _sse([*rows, last])
    if name == "tgi":
        rows = [
            {"token": {"id": 5000, "text": text}, "details": None}
            for text in texts[:-1]
        ]
        last = {
            "token": {"id": 5000, "text": texts[-1]},
            "generated_text": "".join(texts),
            "details": {"finish_reason": finish, "generated_tokens": len(texts)},
        }
        # No space after the colon.
        return [
            row.replace(b"data: ", b"data:") for row in _sse([*rows, last], done=False)
        ]
    if name == "ollama":
        rows = [{"response": text, "done": False} for text in texts]
        last = {
            "response": "",
            "done": True,
            "done_reason": finish,
            "eval_count": len(texts),
        }
        return [
            json.dumps(row, ensure_ascii=False).encode() + b"\n"
            for row in [*rows, last]
        ]
    if name == "mistral":
        rows = [
            {"choices": [{"delta": {"content": text}, "finish_reason": None}]}
            for text in texts
        ]
        return _sse(
            [*rows, {"choices": [{"delta": {"content": ""}, "finish_reason": finish}]}]
        )
    rows = [{"choices": [{"text": text, "finish_reason": None}]} for text in texts]
    usage = {"prompt_tokens": 50, "prompt_tokens_details": {"cached_tokens": 10}}
    rows.append({"choices": [{"text": "", "finish_reason": finish}]})
    # vLLM tells the cost in an event without a text, after the last one.
    return _sse([*rows, {"choices": [], "usage": usage}])


def streamed(name: str, texts: Sequence[str], finish: str = "length") -> Reply:
    return Reply(
        200, stream_of(name, texts, finish), {"content-type": "text/event-stream"}
    )


def _completed(name: str, texts: Sequence[str]) -> Answer:
    """Answer with a stream, or with several texts or scores at once."""

    def answer(request: Request) -> Reply:
        asked = request.json
        if n := asked.get("n_probs"):
            rows = [
                {"id": FIRST_BYTE + 65 + i, "bytes": [65 + i], "logprob": -1.0 - i}
                for i in range(n)
            ]
            first = {**rows[0], "top_logprobs": rows}
            event = {"completion_probabilities": [first]}
            return Reply(
                200, _sse([event, {"stop": True, "stop_type": "limit"}], done=False)
            )
        if asked.get("stream"):
            return streamed(name, texts)
        if asked.get("echo"):
            logs = [[None, *[-1.0] * (len(row) - 1)] for row in asked["prompt"]]
            return reply(
                200,
                {"choices": [{"logprobs": {"token_logprobs": row}} for row in logs]},
            )
        choices = [
            {
                "text": f"beam {n}",
                "finish_reason": "stop",
                "logprobs": {"token_logprobs": [-1.0 - n]},
            }
            for n in range(asked["n"])
        ]
        return reply(200, {"choices": choices})

    return answer


def _tokenized(request: Request) -> Reply:
    """Answer as llama-server does, or as vLLM, which parses all text."""
    asked = request.json
    parses = asked.get("parse_special", True)
    ids = tokens_of(asked.get("content", asked.get("prompt")), parses=parses)
    return reply(200, {"tokens": ids})


OWNERS = {
    "llama-server": "llamacpp",
    "vllm": "vllm",
    "sglang": "sglang",
    "openai": "me",
}


def answers_of(name: str, texts: Sequence[str] = ("a ", "b")) -> dict[str, Answer]:
    """Return the answers of a server of a dialect; tests replace some of them."""
    row = {
        "id": MODEL,
        "owned_by": OWNERS.get(name, ""),
        "max_model_len": N_CONTEXT,
        "meta": {"n_ctx": N_CONTEXT},
    }
    answers: dict[str, Answer] = {
        "/health": reply(200, {"status": "ok"}),
        "/v1/models": reply(200, {"data": [row]}),
        "/api/tags": reply(200, {"models": [{"name": MODEL}]}),
        "/info": reply(200, {"max_total_tokens": N_CONTEXT, "version": "3.0"}),
        "/version": reply(200, {"version": "0.32.0"}),
        dialects()[name].path: streamed(name, texts),
    }
    if name in ("llama-server", "vllm"):
        answers[dialects()[name].path] = _completed(name, texts)
    if dialects()[name].tokenize:
        answers["/tokenize"] = _tokenized
    return answers


def defined(name: str, address: str, **more: Any) -> RemoteServer:
    """Return the definition of a server of a dialect."""
    table = {"kind": name, "url": address, "model": MODEL, "family": "starcoder2"}
    return server_of("work", {**table, **more})
