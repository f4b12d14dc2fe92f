"""Addresses of share links and the owner's flow."""

from django.urls import path

from connect import link_views, views

app_name = "connect"
urlpatterns = [
    path("links/", link_views.list_links, name="links"),
    path("links/<uuid:link_id>/revoke/", link_views.revoke_link, name="revoke"),
    path("c/<str:secret>/", views.start, name="start"),
    path("c/<str:secret>/brand/", views.choose_brand, name="brand"),
    path("c/<str:secret>/go/<slug:brand_key>/", views.go, name="go"),
    # Registered at the makers letter by letter (fleet.vehicles.providers.CALLBACK_PATH).
    path("connect/callback/", views.callback, name="callback"),
    path("connect/wait/<uuid:visit_id>/", views.wait, name="wait"),
    path("connect/review/<uuid:visit_id>/", views.review, name="review"),
    path("connect/review/<uuid:visit_id>/decline/", views.decline_visit, name="decline"),
    path("connect/done/<uuid:visit_id>/", views.done, name="done"),
]
