"""Personal links of share links: lists of owners, their letters, and how far each of them is."""
