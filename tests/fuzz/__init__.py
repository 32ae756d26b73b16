"""A fuzzer for all code that reads input of others; see docs/reliability.md."""
