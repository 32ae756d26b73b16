"""Decides when to ask the model, caches its suggestions, and tracks their outcomes."""
