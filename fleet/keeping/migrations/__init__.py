"""Schema, one idea a file."""
