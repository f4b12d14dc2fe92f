"""Share links, and one owner's way through the flow."""
