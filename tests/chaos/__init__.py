"""The chaos rig: everything fails under load, and a checker looks for a broken promise in what is left."""
