"""Addresses of the work in the background."""

from django.urls import path

from kapclinic.jobs import views

app_name = "jobs"

urlpatterns = [
    path("", views.index, name="list"),
    path("retry/", views.retry_all, name="retry-all"),
    path("<uuid:pk>/retry/", views.retry, name="retry"),
]
