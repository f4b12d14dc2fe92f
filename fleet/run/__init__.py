"""One machine, one command: starts PostgreSQL, Valkey and our processes, and stops them. Imports no app."""
