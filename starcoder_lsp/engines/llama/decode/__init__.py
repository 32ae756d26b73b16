"""The token-level session: KV cache slots, prefill, decoding, drafts and beams."""
