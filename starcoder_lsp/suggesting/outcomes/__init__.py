"""What becomes of suggestions, counted on this machine."""
