"""What we drive and how we reach it: connections, vehicles, consent and their latest state."""
