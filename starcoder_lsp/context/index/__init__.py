"""The index of a workspace, in one SQLite database."""
