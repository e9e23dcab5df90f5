"""Addresses of the desk. Search terms and drafts travel in the body of a POST, never in an address."""

from django.urls import path

from kapclinic.desk import views

app_name = "desk"

urlpatterns = [
    path("", views.today, name="today"),
    path("today/<slug:key>/", views.today_card, name="today-card"),
    path("search/", views.search, name="search"),
    path("patients/", views.patients, name="patients"),
    path("patients/board/", views.patient_board, name="board"),
    path("episodes/<str:public_id>/chart/", views.chart, name="chart"),
    path("episodes/<str:public_id>/chart/windows/", views.chart_windows, name="chart-windows"),
    path("drafts/", views.draft, name="draft"),
    path("dim/", views.set_dim, name="set-dim"),
]
