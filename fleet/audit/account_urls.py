"""Addresses of the log of one's own account, beside those of fleet.teams.account_urls."""

from django.urls import path

from fleet.audit import account_views as views

urlpatterns = [path("history/", views.list_own_events, name="account_history")]
