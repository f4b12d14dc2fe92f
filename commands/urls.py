"""Addresses of commands."""

app_name = "commands"
urlpatterns: list[object] = []
