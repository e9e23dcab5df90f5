"""Addresses of documents and files."""

from django.urls import path

from kapclinic.documents import views

app_name = "documents"

urlpatterns = [
    path("attachments/<uuid:pk>/", views.attachment_file, name="attachment"),
    *views.shelf_urls(),
]
