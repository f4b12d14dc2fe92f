"""Addresses of rules."""

from django.urls import path

from commands.rules import views

app_name = "rules"
urlpatterns = [
    path("", views.list_rules, name="list"),
    path("new/", views.new_rule, name="new"),
    path("say/", views.say_rule, name="say"),
    path("check-first/", views.set_policy, name="check_first"),
    path("<uuid:rule_id>/", views.edit_rule, name="edit"),
    path("<uuid:rule_id>/switch/", views.switch, name="switch"),
    path("<uuid:rule_id>/remove/", views.remove, name="remove"),
]
