"""Runs llama.cpp in a process of its own.

Front: `client` is the engine; `connection` and `shared_engine` reach its process, whose
answers `pending` hands out, `watchdog` notices that it hangs, and `idle` that it is not
used. Both sides: `messages` and, for a shared process, `rendezvous`.
Process: `native` binds llama.cpp, `machine` fits a model to the machine, `decode`
generates, and `process` serves the clients. Nothing of these is imported by the front.
"""
