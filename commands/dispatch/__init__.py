"""Carrying commands to cars: claim fairly, prepare, ask the permit, send many at once in one loop, record."""
