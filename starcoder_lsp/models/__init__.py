"""The models there are, where they are published, and those on this machine."""
