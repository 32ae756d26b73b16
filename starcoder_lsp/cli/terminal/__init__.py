"""Progress lines and suggestions on a terminal."""
