"""The options of the client, and the notifications that the server sends to it."""
