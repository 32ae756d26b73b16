"""One completion: a prompt is built, a model continues it, and rules make the text fit."""
