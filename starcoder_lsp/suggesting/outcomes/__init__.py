"""Tracks what users do with suggestions, and counts it on this machine."""
