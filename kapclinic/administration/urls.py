"""Addresses of the administration."""

from django.urls import path

from kapclinic.administration.views import credentials, house, invitations, overview, review, settings, staff

app_name = "administration"

urlpatterns = [
    path("", overview.show, name="overview"),
    path("staff/", staff.index, name="staff"),
    path("staff/<uuid:pk>/", staff.show, name="person"),
    path("staff/<uuid:pk>/sign-ins/end/", staff.end_sign_ins, name="sign-ins-end"),
    path("staff/<uuid:pk>/second-step/remove/", staff.reset_second_step, name="second-step-remove"),
    path("roles/<uuid:pk>/end/", staff.end_role, name="role-end"),
    path("roles/<uuid:pk>/director/", staff.set_director, name="role-director"),
    path("staff/<uuid:pk>/licences/add/", credentials.add_licence, name="licence-add"),
    path("licences/<uuid:pk>/", credentials.change_licence, name="licence-change"),
    path("staff/<uuid:pk>/training/add/", credentials.add_training, name="training-add"),
    path("training/<uuid:pk>/strike/", credentials.strike_training, name="training-strike"),
    path("staff/<uuid:pk>/competencies/add/", credentials.add_competency, name="competency-add"),
    path("competencies/<uuid:pk>/end/", credentials.end_competency, name="competency-end"),
    path("invitations/new/", invitations.create, name="invite"),
    path("invitations/<uuid:pk>/resend/", invitations.resend, name="invitation-resend"),
    path("invitations/<uuid:pk>/revoke/", invitations.revoke, name="invitation-revoke"),
    path("rooms/", house.rooms, name="rooms"),
    path("rooms/<uuid:pk>/", house.room, name="room"),
    path("details/", house.details, name="details"),
    path("review/", review.events, name="review-events"),
    path("review/export/", review.export, name="review-export"),
    path("review/unusual/", review.unusual, name="review-unusual"),
    path("review/unusual/<int:pk>/", review.answer, name="review-answer"),
    path("settings/", settings.index, name="settings"),
    path("settings/<str:key>/", settings.show, name="setting"),
    path("settings/proposals/<uuid:pk>/decide/", settings.decide, name="proposal-decide"),
    path("settings/proposals/<uuid:pk>/withdraw/", settings.withdraw, name="proposal-withdraw"),
]
