"""Addresses of members, invitations, roles and groups."""

from django.urls import path

from fleet.members import group_views, invitation_views, join_views, role_views, views

app_name = "members"
urlpatterns = [
    path("members/", views.list_members, name="list"),
    path("members/invite/", invitation_views.new_invitation, name="invite"),
    path("members/<uuid:membership_id>/", views.edit_member, name="member"),
    path("members/<uuid:membership_id>/remove/", views.remove_member, name="remove"),
    path("invitations/<uuid:invitation_id>/resend/", invitation_views.resend_invitation, name="resend"),
    path("invitations/<uuid:invitation_id>/revoke/", invitation_views.revoke_invitation, name="revoke"),
    path("roles/", role_views.list_roles, name="roles"),
    path("roles/new/", role_views.new_role, name="new_role"),
    path("roles/<uuid:role_id>/", role_views.edit_role, name="role"),
    path("roles/<uuid:role_id>/remove/", role_views.delete_role, name="remove_role"),
    path("groups/", group_views.list_groups, name="groups"),
    path("groups/new/", group_views.new_group, name="new_group"),
    path("groups/<uuid:group_id>/", group_views.edit_group, name="group"),
    path("groups/<uuid:group_id>/remove/", group_views.delete_group, name="remove_group"),
    path("join/", join_views.join, name="join"),
    path("join/switch/", join_views.switch, name="switch"),
    path("join/<str:secret>/", join_views.open_invitation, name="open"),
    path("no-team/", join_views.show_no_team, name="no_team"),
]
