"""Generates tokens: KV cache slots, prefill, decoding, draft tokens and beam search."""
