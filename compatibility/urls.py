"""Addresses of the matrix and of what belongs to it."""

from django.urls import include, path

from compatibility import views

app_name = "compatibility"
urlpatterns = [
    path("", views.show_matrix, name="matrix"),
    path("cars/<str:make_key>/<str:model_key>/", views.show_car, name="car"),
    path("compare/", views.compare_cars, name="compare"),
    path("", include("compatibility.vin_urls")),
    path("", include("compatibility.more_urls")),
    path("", include("compatibility.fleet_urls")),
]
