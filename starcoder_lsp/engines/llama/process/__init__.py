"""The engine's process: takes requests, loads the model, and keeps what outlives it."""
