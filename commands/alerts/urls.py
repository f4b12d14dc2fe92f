"""Addresses of alerts."""

from django.urls import path

from commands.alerts import views

app_name = "alerts"
urlpatterns = [
    path("", views.list_alerts, name="list"),
    path("count/", views.show_count, name="count"),
    path("<uuid:alert_id>/", views.show_alert, name="detail"),
]
