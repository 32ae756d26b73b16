"""Converts bytes to messages, as tolerantly as possible."""
