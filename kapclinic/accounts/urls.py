"""Addresses of a person's own account."""

from django.urls import path

from kapclinic.accounts.views import invitations, own, screen

app_name = "accounts"

urlpatterns = [
    path("", own.show, name="self"),
    path("sign-ins/end/", own.end_other_sign_ins, name="sign-ins-end"),
    path("sign-ins/<uuid:pk>/end/", own.end_sign_in, name="sign-in-end"),
    path("clinic/", own.switch_clinic, name="switch-clinic"),
    path("lock/", screen.lock, name="lock"),
    path("unlock/", screen.unlock, name="unlock"),
    path("touch/", screen.touch, name="touch"),
    path("invitation/", invitations.accept, name="invitation-accept"),
    path("invitation/<str:secret>/", invitations.follow, name="invitation-follow"),
]
