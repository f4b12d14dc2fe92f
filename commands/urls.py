"""Addresses of commands."""

from django.urls import path

from commands import views

app_name = "commands"
urlpatterns = [
    path("vehicles/<uuid:vehicle_id>/commands/", views.show_panel, name="panel"),
    path("vehicles/<uuid:vehicle_id>/commands/latest/", views.show_latest, name="latest"),
    path("vehicles/<uuid:vehicle_id>/commands/<slug:kind>/", views.press, name="press"),
    path("commands/", views.list_commands, name="list"),
    path("commands/<uuid:command_id>/", views.show_command, name="detail"),
    path("commands/<uuid:command_id>/cancel/", views.cancel, name="cancel"),
]
