"""Joining a car: share links, the owner's flow and consent."""
