"""A StarCoder2 of true shape and tokenizer with random weights: 8 MB, made in a second.

What it says means nothing; prompts, KV cache, cancellation and crashes are real.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

VOCABULARY = Path(__file__).parent / "data" / "ggml-vocab-starcoder.gguf"
N_LAYERS, WIDTH, FEED_FORWARD, N_HEADS, N_KV_HEADS = 2, 64, 256, 4, 2
N_TOKENS = 49152


def write(path: Path) -> None:
    writer = gguf.GGUFWriter(str(path), "starcoder2")
    writer.add_name("random-starcoder2-tiny")
    writer.add_context_length(16384)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(N_LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(N_KV_HEADS)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_eps(1e-5)
    writer.add_file_type(1)
    _add_tokenizer(writer)
    _add_weights(writer)
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


def _add_weights(writer: gguf.GGUFWriter) -> None:
    random = np.random.default_rng(0)

    def matrix(name: str, rows: int, columns: int) -> None:
        values = random.standard_normal((rows, columns)) * 0.02
        writer.add_tensor(name, values.astype(np.float16))

    def vector(name: str, length: int, value: float = 0.0) -> None:
        writer.add_tensor(name, np.full(length, value, np.float32))

    kv_width = WIDTH // N_HEADS * N_KV_HEADS
    matrix("token_embd.weight", N_TOKENS, WIDTH)
    for i in range(N_LAYERS):
        block = f"blk.{i}."
        for norm in ("attn_norm", "ffn_norm"):
            vector(f"{block}{norm}.weight", WIDTH, 1.0)
            vector(f"{block}{norm}.bias", WIDTH)
        for name, rows, columns in (
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", kv_width, WIDTH),
            ("attn_v", kv_width, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_up", FEED_FORWARD, WIDTH),
            ("ffn_down", WIDTH, FEED_FORWARD),
        ):
            matrix(f"{block}{name}.weight", rows, columns)
            vector(f"{block}{name}.bias", rows)
    vector("output_norm.weight", WIDTH, 1.0)
    vector("output_norm.bias", WIDTH)
