"""Setting up our registrations at providers: by a team for itself, by an administrator for the whole installation."""
