"""Addresses of the team's side of share links; part of connect.urls and its names."""

from django.urls import path

from connect import link_views, look_views
from connect.sending import views as sending_views
from connect.sending import vin_views

urlpatterns = [
    path("links/", link_views.list_links, name="links"),
    path("links/new/", link_views.new_link, name="new_link"),
    path("links/preview/", link_views.preview_link, name="preview"),
    path("links/look/", look_views.edit_look, name="look"),
    path("links/<uuid:link_id>/", link_views.show_link, name="link"),
    path("links/<uuid:link_id>/revoke/", link_views.revoke_link, name="revoke"),
    path("links/<uuid:link_id>/send/", sending_views.send_list, name="send"),
    path("links/<uuid:link_id>/remind/", sending_views.remind_everybody, name="remind"),
    path("links/<uuid:link_id>/vins/", vin_views.list_vins, name="vins"),
    path("links/to/<uuid:recipient_id>/remind/", sending_views.remind_one, name="remind_one"),
    path("links/to/<uuid:recipient_id>/withdraw/", sending_views.withdraw_one, name="withdraw"),
    # Public, as the owner's first screen is.
    path("connect/looks/<uuid:team_id>/<slug:version>.png", look_views.logo, name="logo"),
    path("connect/looks/<uuid:team_id>/<slug:version>.css", look_views.look_css, name="look_css"),
]
