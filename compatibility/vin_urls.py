"""The address of the check of a VIN."""

from django.urls import path

from compatibility import vin_views

urlpatterns = [path("vin/", vin_views.check, name="vin")]
