"""Runs llama.cpp in a process of its own.

Front: `client` is the engine; `connection` and `shared_engine` reach its process,
`pending` hands out the answers, and `idle` notices that it is not used. Both sides: `messages` and, for a shared process, `rendezvous`.
Process: `native` binds llama.cpp, `machine` fits a model to the machine, `decode`
generates, and `process` serves the clients. Nothing of these is imported by the front.
"""
