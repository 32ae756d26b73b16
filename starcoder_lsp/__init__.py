"""Code where the cursor is, written by a model on your own machine."""

__version__ = "0.1.0"
