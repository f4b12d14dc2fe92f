"""Addresses of vehicles."""

from django.urls import path

from fleet.vehicles import country_views, filter_views, views

app_name = "vehicles"
urlpatterns = [
    path("", views.list_vehicles, name="list"),
    path("filters/", filter_views.keep_filter, name="keep_filter"),
    path("filters/<uuid:filter_id>/drop/", filter_views.drop_filter, name="drop_filter"),
    path("<uuid:vehicle_id>/", views.show_vehicle, name="detail"),
    path("<uuid:vehicle_id>/country/", country_views.change_country, name="country"),
    path("<uuid:vehicle_id>/state/", views.show_state, name="state"),
    path("<uuid:vehicle_id>/refresh/", views.refresh, name="refresh"),
]
