"""Addresses of integration."""

from django.urls import path

from integration import views

app_name = "integration"
urlpatterns = [
    path("waiting/", views.waiting, name="waiting"),
    path("episodes/<str:public_id>/", views.overview, name="overview"),
    path("episodes/<str:public_id>/record/", views.session_record, name="session-record"),
    path("windows/<uuid:pk>/", views.need_detail, name="need-detail"),
    path("windows/<uuid:pk>/apply/", views.need_apply, name="need-apply"),
    path("windows/<uuid:pk>/missed/", views.need_miss, name="need-miss"),
    path("appointments/<uuid:pk>/held/", views.session_hold, name="session-hold"),
    path("sessions/<uuid:pk>/", views.session_detail, name="session-detail"),
    path("sessions/<uuid:pk>/addendum/", views.session_addendum, name="session-addendum"),
]
