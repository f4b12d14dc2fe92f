"""A clock presses: timed commands that undo themselves, and schedules."""
