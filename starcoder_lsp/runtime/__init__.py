"""The basis of every process: child processes, frames, logs, directories and private files."""
