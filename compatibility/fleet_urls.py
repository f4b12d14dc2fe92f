"""Addresses of the pages about a team's own cars; compatibility.urls takes them in."""

from django.urls import path

from compatibility import fleet_views

urlpatterns = [
    path("my-cars/", fleet_views.show_my_cars, name="my_cars"),
    path("my-cars/<slug:kind_key>/", fleet_views.show_kind, name="my_kind"),
]
