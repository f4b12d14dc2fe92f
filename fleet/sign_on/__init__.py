"""Single sign-on: coming in by a provider that an organisation runs, and joining the teams that its domain is for."""
