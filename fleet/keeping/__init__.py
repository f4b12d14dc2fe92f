"""What is kept, for how long, and the end of a team."""
