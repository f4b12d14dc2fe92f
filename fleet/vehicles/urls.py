"""Addresses of vehicles."""

from django.urls import path

from fleet.vehicles import views

app_name = "vehicles"
urlpatterns = [
    path("", views.list_vehicles, name="list"),
    path("<uuid:vehicle_id>/", views.show_vehicle, name="detail"),
    path("<uuid:vehicle_id>/state/", views.show_state, name="state"),
    path("<uuid:vehicle_id>/refresh/", views.refresh, name="refresh"),
]
