"""Addresses of share links and the owner's flow."""

app_name = "connect"
urlpatterns: list[object] = []
