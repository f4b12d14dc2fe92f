"""The cockpit: how each connection is, when it is expected to end and why, and asking its owner to repair it."""
