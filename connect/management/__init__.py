"""Commands of connect for the person who runs the installation."""
