"""Addresses of emergency access."""

from django.urls import path

from kapclinic.breakglass import views

app_name = "breakglass"

urlpatterns = [
    path("", views.open_access, name="open"),
    path("reviews/", views.index, name="index"),
    path("reviews/<uuid:pk>/", views.review, name="review"),
    path("<uuid:pk>/", views.mine, name="mine"),
    path("<uuid:pk>/end/", views.end, name="end"),
]
