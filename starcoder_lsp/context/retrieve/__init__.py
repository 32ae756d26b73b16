"""Finds, ranks and packs what other files say about the place of a cursor."""
