"""The audit trail as people read it: who did what, filtered, and taken away as a file."""
