"""Addresses of the installation."""

from django.urls import path

from fleet.teams import installation_views as views

app_name = "installation"
urlpatterns = [
    path("", views.show_installation, name="home"),
    path("administrators/", views.add_administrator, name="add_administrator"),
    path("administrators/<uuid:user_id>/remove/", views.remove_administrator, name="remove_administrator"),
]
