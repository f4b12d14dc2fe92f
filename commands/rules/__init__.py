"""Rules of a team: what blocks a command although the car could do it. Asked at acceptance and again before sending."""
