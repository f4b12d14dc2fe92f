"""What a maker lets us do, in numbers: calls, commands and wakes, counted in the database for all processes."""
