"""What the rest of a project says about the place where the cursor is."""
