"""The signed-command protocol of Tesla's cars, from our side. Pure: no network, no clock, no store."""
