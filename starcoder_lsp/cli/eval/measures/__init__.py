"""Measurements of quality on data: one module per measurement."""
