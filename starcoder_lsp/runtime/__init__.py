"""What every process of ours stands on: children, messages, logs, and files of the user's own."""
