"""Addresses of jobs."""

from django.urls import path

from commands.jobs import draft_views, views

app_name = "jobs"
urlpatterns = [
    path("", views.list_jobs, name="list"),
    path("running/", views.show_running, name="running"),
    path("new/", draft_views.choose_command, name="new"),
    path("new/<slug:kind>/", draft_views.draft_job, name="draft"),
    path("<uuid:job_id>/", views.show_job, name="detail"),
    path("<uuid:job_id>/progress/", views.show_progress, name="progress"),
    path("<uuid:job_id>/results/", views.show_results, name="results"),
    path("<uuid:job_id>/results.csv", views.download_results, name="csv"),
    path("<uuid:job_id>/undo/", views.undo, name="undo"),
    path("<uuid:job_id>/stop/", views.stop, name="stop"),
    path("<uuid:job_id>/retry/", views.retry, name="retry"),
]
