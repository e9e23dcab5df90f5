"""Addresses of the spine."""

from django.urls import path

from episodes.views import consents, disclosures, episode, patients, protocols, striking, team

app_name = "episodes"

urlpatterns = [
    path("patients/register/", patients.register, name="patient-register"),
    path("patients/<str:public_id>/", patients.detail, name="patient-detail"),
    path("patients/<str:public_id>/edit/", patients.edit, name="patient-edit"),
    path("patients/<str:public_id>/allergies/", patients.allergy_add, name="allergy-add"),
    path("allergies/<uuid:pk>/resolve/", patients.allergy_resolve, name="allergy-resolve"),
    path("patients/<str:public_id>/open-episode/", episode.open_for_patient, name="episode-open"),
    path("episodes/<str:public_id>/", episode.detail, name="episode-detail"),
    path("episodes/<str:public_id>/move/", episode.move, name="episode-move"),
    path("episodes/<str:public_id>/close/", episode.close, name="episode-close"),
    path("episodes/<str:public_id>/goals/", episode.goal_add, name="goal-add"),
    path("goals/<uuid:pk>/reword/", episode.goal_reword, name="goal-reword"),
    path("episodes/<str:public_id>/team/", team.show, name="team"),
    path("episodes/<str:public_id>/team/outside/", team.outside_add, name="outside-add"),
    path("team/<uuid:pk>/end/", team.end, name="team-end"),
    path("episodes/<str:public_id>/consents/", consents.show, name="consents"),
    path("episodes/<str:public_id>/disclosures/", disclosures.disclosures, name="disclosures"),
    path("papers/<uuid:pk>/give-out/", disclosures.give_out, name="give-out"),
    path("papers/<uuid:pk>/emergency/", disclosures.emergency, name="emergency"),
    path("disclosures/<uuid:pk>/copy.pdf", disclosures.copy_file, name="disclosure-copy"),
    path("consents/<uuid:pk>/revoke/", consents.revoke, name="consent-revoke"),
    path("entries/<str:label>/<uuid:pk>/strike/", striking.strike, name="strike"),
    path("protocols/", protocols.index, name="protocols"),
    path("protocols/<slug:slug>/", protocols.detail, name="protocol-detail"),
    path("protocols/<slug:slug>/new-version/", protocols.new_version, name="protocol-new-version"),
]
