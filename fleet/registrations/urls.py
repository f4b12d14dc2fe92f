"""Addresses of a team's registrations, and of each one, whoever it belongs to."""

from django.urls import path

from fleet.registrations import views

app_name = "registrations"
urlpatterns = [
    path("", views.list_of_team, name="list"),
    path("new/<slug:provider>/", views.new_of_team, name="new"),
    path("<uuid:registration_id>/", views.edit_registration, name="detail"),
    path("<uuid:registration_id>/test/", views.show_test, name="test"),
    path("<uuid:registration_id>/test/start/", views.start_test, name="start_test"),
    path("<uuid:registration_id>/key/", views.send_key, name="send_key"),
    path("<uuid:registration_id>/switch/", views.switch, name="switch"),
    path("<uuid:registration_id>/remove/", views.remove, name="remove"),
]
