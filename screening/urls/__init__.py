"""Addresses of screening."""

from screening.urls import findings, responses

app_name = "screening"
urlpatterns = [*responses.urlpatterns, *findings.urlpatterns]
