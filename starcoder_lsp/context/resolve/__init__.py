"""Resolves imports to files of the workspace."""
