"""Telling open pages that something changed; ids only, never HTML."""
