"""Which file of the workspace an import means."""
