"""Which files of a workspace are read, and how."""
