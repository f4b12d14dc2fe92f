"""Addresses of an owner's own pages. Only the first holds a secret, and it leads away at once."""

from django.urls import path

from fleet.portal import views

app_name = "portal"
urlpatterns = [
    path("", views.home, name="home"),
    path("log/", views.show_log, name="log"),
    path("hours/", views.private_hours, name="hours"),
    path("data/", views.export, name="export"),
    path("forget/", views.forget, name="forget"),
    path("forgotten/", views.forgotten, name="forgotten"),
    path("stop/", views.stop, name="stop"),
    path("stop/<uuid:car_id>/", views.stop, name="stop_car"),
    path("cars/<uuid:car_id>/<slug:scope>/", views.set_scope, name="scope"),
    path("links/", views.revoke_links, name="revoke_links"),
    path("leave/", views.leave, name="leave"),
    path("again/", views.ask_again, name="again"),
    path("<str:secret>/", views.open_pages, name="open"),
]
