"""Addresses of what stands beside the matrix: questions, files, changes, providers, sources."""

from django.urls import path

from compatibility import more_views

urlpatterns = [
    path("ask/", more_views.ask, name="ask"),
    path("export/", more_views.export, name="export"),
    path("changes/", more_views.show_changes, name="changes"),
    path("changes.atom", more_views.changes_feed, name="changes_feed"),
    path("providers/<slug:key>/", more_views.show_provider, name="provider"),
    path("sources/", more_views.show_sources, name="sources"),
]
