"""Code where the cursor is, written by a model on your own machine."""

__version__ = "0.2.0.dev0"
