"""Addresses of share links and the owner's flow."""

from django.urls import include, path

from connect import done_views, return_views, views
from connect.cockpit import views as cockpit

app_name = "connect"
urlpatterns = [
    path("", include("connect.link_urls")),
    path("connections/", cockpit.list_connections, name="connections"),
    path("connections/ask/", cockpit.ask_several, name="ask_several"),
    path("connections/<uuid:connection_id>/", cockpit.show_connection, name="connection"),
    path("connections/<uuid:connection_id>/ask/", cockpit.ask, name="ask"),
    path("connections/<uuid:connection_id>/email/", cockpit.change_email, name="owner_email"),
    path("c/<str:secret>/", views.start, name="start"),
    path("links/returns/", return_views.list_returns, name="returns"),
    path("links/returns/<uuid:return_id>/remove/", return_views.forget_return, name="forget_return"),
    path("c/<str:secret>/brand/", views.choose_brand, name="brand"),
    path("c/<str:secret>/no/", views.refuse_link, name="refuse"),
    path("c/<str:secret>/wish/", views.wish, name="wish"),
    path("c/<str:secret>/go/<slug:brand_key>/", views.go, name="go"),
    # Registered at the makers letter by letter (fleet.vehicles.providers.CALLBACK_PATH).
    path("connect/callback/", views.callback, name="callback"),
    path("connect/wait/<uuid:visit_id>/", views.wait, name="wait"),
    path("connect/review/<uuid:visit_id>/", views.review, name="review"),
    path("connect/review/<uuid:visit_id>/decline/", views.decline_visit, name="decline"),
    path("connect/done/<uuid:visit_id>/", done_views.done, name="done"),
    path("connect/done/<uuid:visit_id>/check/", done_views.check_steps, name="check"),
    path("connect/done/<uuid:visit_id>/page/", done_views.show_portal_link, name="portal_link"),
    path("connect/done/<uuid:visit_id>/letter/", done_views.send_letter, name="letter"),
]
