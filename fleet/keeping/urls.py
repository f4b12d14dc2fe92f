"""Addresses of the end of things."""

from django.urls import path

from fleet.keeping import views

app_name = "keeping"
urlpatterns = [
    path("keeping/", views.edit_retention, name="retention"),
    path("closing/", views.close, name="close"),
    path("reopening/", views.reopen, name="reopen"),
]
