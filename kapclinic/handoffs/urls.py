"""Addresses of handoffs."""

from django.urls import path

from kapclinic.handoffs.models import HandoffKind
from kapclinic.handoffs.views import pages, reading, team, writing

app_name = "handoffs"

urlpatterns = [
    path("", pages.handoff_list, name="list"),
    path("episodes/<str:public_id>/", pages.of_episode, name="of-episode"),
    path("episodes/<str:public_id>/coordination/", writing.write_coordination, name="write-coordination"),
    path("episodes/<str:public_id>/emergency/", writing.write_emergency, name="write-emergency"),
    path("episodes/<str:public_id>/messages/", team.message_list, name="messages"),
    path("episodes/<str:public_id>/messages/read/", team.messages_read, name="messages-read"),
    path("conference/", team.conference, name="conference"),
    path("episodes/<str:public_id>/decision/", team.decide, name="decide"),
    path("doses/<uuid:pk>/to-prescriber/", writing.write_to_prescriber, name="write-to-prescriber"),
    path("doses/<uuid:pk>/to-therapist/", writing.write_to_therapist, name="write-to-therapist"),
    path("doses/<uuid:pk>/instructions/", pages.instruction_sheet, name="instruction-sheet"),
    path("episodes/<str:public_id>/closing-summary/", pages.closing_summary, name="closing-summary"),
    path("<uuid:pk>/", reading.detail, name="detail"),
    path("<uuid:pk>/read/", reading.acknowledge, name="acknowledge"),
    path("<uuid:pk>/heard/", reading.heard, name="heard"),
    *(path(f"<uuid:pk>/amend-{kind}/", reading.amending[kind], name=f"amend-{kind}") for kind in HandoffKind),
]
