"""The way to a server: connections, keys, and the cutting of streams into events."""
