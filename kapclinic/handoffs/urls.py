"""Addresses of handoffs."""

from django.urls import path

from kapclinic.handoffs import views

app_name = "handoffs"

urlpatterns = [
    path("", views.handoff_list, name="list"),
    path("episodes/<str:public_id>/", views.of_episode, name="of-episode"),
    path("doses/<uuid:pk>/to-prescriber/", views.write_to_prescriber, name="write-to-prescriber"),
    path("doses/<uuid:pk>/to-therapist/", views.write_to_therapist, name="write-to-therapist"),
    path("doses/<uuid:pk>/instructions/", views.instruction_sheet, name="instruction-sheet"),
    path("episodes/<str:public_id>/closing-summary/", views.closing_summary, name="closing-summary"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/read/", views.acknowledge, name="acknowledge"),
    path("<uuid:pk>/amend-to-prescriber/", views.amend_to_prescriber, name="amend-to-prescriber"),
    path("<uuid:pk>/amend-to-therapist/", views.amend_to_therapist, name="amend-to-therapist"),
]
