"""Decides when to ask the model, remembers what it said, and learns what the user did with it."""
