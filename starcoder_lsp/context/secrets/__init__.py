"""Finds credentials in source text and puts marks in their place."""
