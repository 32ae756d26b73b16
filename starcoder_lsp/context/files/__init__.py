"""Decides which files of a workspace are read, and reads them."""
