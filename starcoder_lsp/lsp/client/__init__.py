"""What the server knows of its client, and what it tells it beside answers."""
