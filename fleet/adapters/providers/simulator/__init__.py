"""The simulator as a provider: a pretend car-maker cloud behind HTTP, shipped for demos and tests."""
