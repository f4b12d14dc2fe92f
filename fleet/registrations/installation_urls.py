"""Addresses of the registrations that every team uses; administrators set them up."""

from django.urls import path

from fleet.registrations import views

app_name = "installation_providers"
urlpatterns = [
    path("", views.list_of_installation, name="list"),
    path("new/<slug:provider>/", views.new_of_installation, name="new"),
]
