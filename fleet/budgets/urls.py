"""Addresses of budgets."""

from django.urls import path

from fleet.budgets import views

app_name = "budgets"
urlpatterns = [
    path("", views.list_budgets, name="list"),
    path("notices/", views.show_notices, name="notices"),
    path("notices/<uuid:vehicle_id>/", views.show_notices_of, name="notices_of"),
    path("for/<uuid:vehicle_id>/", views.show_press_line, name="for_vehicle"),
    path("<uuid:budget_id>/", views.edit_budget, name="edit"),
]
