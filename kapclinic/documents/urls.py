"""Addresses of documents and files."""

from django.urls import path

from kapclinic.documents import views

app_name = "documents"

urlpatterns = [
    path("attachments/<uuid:pk>/", views.attachment_file, name="attachment"),
    path("check/", views.check, name="check"),
    path("check/<uuid:pk>/", views.check_one, name="check-document"),
    *views.shelf_urls(),
]
