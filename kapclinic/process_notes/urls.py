"""Addresses of process notes."""

from django.urls import path

from kapclinic.process_notes import views

app_name = "process_notes"
urlpatterns = [
    path("", views.mine, name="mine"),
    path("episodes/<str:public_id>/", views.of_episode, name="of-episode"),
    path("episodes/<str:public_id>/new/", views.create, name="create"),
    path("notes/<uuid:pk>/", views.detail, name="detail"),
    path("notes/<uuid:pk>/strike/", views.strike, name="strike"),
    path("notes/<uuid:pk>/addendum/", views.addendum, name="addendum"),
    path("notes/<uuid:pk>/release/", views.release, name="release"),
    path("notes/<uuid:pk>/open/", views.open_sealed, name="open"),
    path("releases/<uuid:pk>/revoke/", views.release_revoke, name="release-revoke"),
    path("released/<uuid:pk>/", views.released, name="released"),
    path("transfers/", views.transfers, name="transfers"),
    path("transfers/<uuid:pk>/take-back/", views.transfer_withdraw, name="transfer-withdraw"),
    path("transfers/<uuid:pk>/receive/", views.transfer_receive, name="transfer-receive"),
]
