"""Writes a StarCoder2 with its real tokenizer and random weights; the tiny one has 8 MB.

Its output means nothing, but prompts, KV cache, cancellation and crashes are real.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import gguf
import numpy as np

VOCABULARY = Path(__file__).parent / "data" / "ggml-vocab-starcoder.gguf"
N_TOKENS = 49152


class Shape(NamedTuple):
    n_layers: int
    width: int
    feed_forward: int
    n_heads: int
    n_kv_heads: int


SHAPES = {"tiny": Shape(2, 64, 256, 4, 2), "160m": Shape(12, 768, 3072, 12, 2)}


def write(
    path: Path, shape: Shape = SHAPES["tiny"], weight: float | None = None
) -> None:
    """Write a GGUF file; with `weight`, all weights are that number instead of random."""
    writer = gguf.GGUFWriter(str(path), "starcoder2")
    writer.add_name("random-starcoder2")
    writer.add_context_length(16384)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.n_layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.n_heads)
    writer.add_head_count_kv(shape.n_kv_heads)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_eps(1e-5)
    writer.add_file_type(1)
    _add_tokenizer(writer)
    _add_weights(writer, shape, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: gguf.GGUFWriter) -> None:
    fields = gguf.GGUFReader(str(VOCABULARY)).fields
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("starcoder")
    for name, add in (("tokens", writer.add_token_list), ("merges", writer.add_token_merges)):  # fmt: skip
        field = fields[f"tokenizer.ggml.{name}"]
        add([bytes(field.parts[i]) for i in field.data])
    field = fields["tokenizer.ggml.token_type"]
    writer.add_token_types([int(field.parts[i][0]) for i in field.data])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)


def _add_weights(writer: gguf.GGUFWriter, shape: Shape, weight: float | None) -> None:
    width, feed_forward = shape.width, shape.feed_forward
    random = np.random.default_rng(0)

    def matrix(name: str, rows: int, columns: int) -> None:
        values = random.standard_normal((rows, columns)) * 0.02
        if weight is not None:
            values = np.full((rows, columns), weight)
        writer.add_tensor(name, values.astype(np.float16))

    def vector(name: str, length: int, value: float = 0.0) -> None:
        writer.add_tensor(name, np.full(length, value, np.float32))

    kv_width = width // shape.n_heads * shape.n_kv_heads
    matrix("token_embd.weight", N_TOKENS, width)
    for i in range(shape.n_layers):
        block = f"blk.{i}."
        for norm in ("attn_norm", "ffn_norm"):
            vector(f"{block}{norm}.weight", width, 1.0)
            vector(f"{block}{norm}.bias", width)
        for name, rows, columns in (
            ("attn_q", width, width),
            ("attn_k", kv_width, width),
            ("attn_v", kv_width, width),
            ("attn_output", width, width),
            ("ffn_up", feed_forward, width),
            ("ffn_down", width, feed_forward),
        ):
            matrix(f"{block}{name}.weight", rows, columns)
            vector(f"{block}{name}.bias", rows)
    vector("output_norm.weight", width, 1.0)
    vector("output_norm.bias", width)
