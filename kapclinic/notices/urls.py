"""Addresses of the inbox."""

from django.urls import path

from kapclinic.notices import views

app_name = "notices"

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("email/", views.email, name="email"),
    path("read/", views.read_all, name="read-all"),
    path("<uuid:pk>/open/", views.open_notice, name="open"),
    path("tasks/<uuid:pk>/complete/", views.complete, name="task-complete"),
]
