"""A pretend car maker's cloud in a process of its own; it shares no code with the product."""
