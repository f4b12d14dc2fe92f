"""Addresses of notices."""

from django.urls import path

from fleet.notifications import views

app_name = "notifications"
urlpatterns = [
    path("", views.list_notices, name="list"),
    path("bell/", views.show_bell, name="bell"),
    path("read/", views.read_all, name="read_all"),
    path("settings/", views.edit_settings, name="settings"),
    path("<uuid:notice_id>/open/", views.open_notice, name="open"),
    path("<uuid:notice_id>/read/", views.read_notice, name="read"),
]
