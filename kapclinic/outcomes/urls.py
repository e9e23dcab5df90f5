"""Addresses of the outcomes."""

from django.urls import path

from kapclinic.outcomes import views

app_name = "outcomes"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("report.csv", views.export_csv, name="export-csv"),
    path("report/", views.issue, name="issue"),
]
