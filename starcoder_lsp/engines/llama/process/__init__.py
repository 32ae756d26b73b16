"""The engine's process: takes requests, loads the model, and keeps what outlives it.

`host` is the program of a front's own engine and `daemon` that of a shared one.
"""
