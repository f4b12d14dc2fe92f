"""One command to many cars: preview, pacing, per-car result, retry the failed."""
