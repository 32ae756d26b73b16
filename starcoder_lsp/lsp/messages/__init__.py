"""Bytes to messages, as tolerant as can be."""
