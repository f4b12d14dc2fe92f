"""Addresses of the audit trail."""

from django.urls import path

from fleet.audit import views

app_name = "audit"
urlpatterns = [path("", views.list_events, name="list"), path("export/", views.export, name="export")]
