"""Addresses of schedules and timed commands."""

from django.urls import path

from commands.programs import timed_views, views

app_name = "programs"
urlpatterns = [
    path("schedules/", views.list_schedules, name="list"),
    path("schedules/new/", views.new_schedule, name="new"),
    path("schedules/<uuid:schedule_id>/", views.show_schedule, name="schedule"),
    path("schedules/<uuid:schedule_id>/edit/", views.edit_schedule, name="edit"),
    path("schedules/<uuid:schedule_id>/pause/", views.pause, name="pause"),
    path("schedules/<uuid:schedule_id>/resume/", views.resume, name="resume"),
    path("schedules/<uuid:schedule_id>/remove/", views.remove, name="remove"),
    path("vehicles/<uuid:vehicle_id>/timed/", timed_views.show_timed, name="timed"),
    path("vehicles/<uuid:vehicle_id>/timed/<slug:kind>/", timed_views.start, name="start"),
    path("timed/<uuid:timed_id>/now/", timed_views.undo_at_once, name="now"),
    path("timed/<uuid:timed_id>/keep/", timed_views.keep, name="keep"),
]
