"""Smartcar, version 3: one sign-in for many makes, tokens of the application, and the owner named in a header."""
