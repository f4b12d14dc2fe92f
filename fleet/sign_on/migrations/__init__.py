"""Migrations of single sign-on."""
