"""Addresses of preparation and dosing."""

from django.urls import path

from sessions.views import duty, entries, orders, preparation, session

app_name = "dosing"
urlpatterns = [
    path("duty/", duty.duty_list, name="duty-list"),
    path("episode/<str:public_id>/preparations/", preparation.preparation_list, name="preparation-list"),
    path("episode/<str:public_id>/preparations/new/", preparation.preparation_new, name="preparation-new"),
    path("episode/<str:public_id>/doses/", session.session_list, name="session-list"),
    path("episode/<str:public_id>/doses/new/", session.session_plan, name="session-plan"),
    path(
        "preparation/appointment/<uuid:pk>/",
        preparation.preparation_of_appointment,
        name="preparation-of-appointment",
    ),
    path("preparation/<uuid:pk>/", preparation.preparation_detail, name="preparation-detail"),
    path("preparation/<uuid:pk>/edit/", preparation.preparation_edit, name="preparation-edit"),
    path("preparation/<uuid:pk>/sign/", preparation.preparation_sign, name="preparation-sign"),
    path("preparation/<uuid:pk>/addendum/", preparation.preparation_addendum, name="preparation-addendum"),
    path("appointment/<uuid:pk>/", session.session_of_appointment, name="session-of-appointment"),
    path("session/<uuid:pk>/", session.session_detail, name="session-detail"),
    path("session/<uuid:pk>/call-off/", session.session_call_off, name="session-call-off"),
    path("session/<uuid:pk>/setting/", session.session_setting, name="session-setting"),
    path("session/<uuid:pk>/complete/", session.session_complete, name="session-complete"),
    path("session/<uuid:pk>/check-in/", entries.check_in, name="check-in"),
    path("session/<uuid:pk>/order/", orders.order_new, name="order-new"),
    path("session/<uuid:pk>/order/telephone/", orders.order_by_telephone, name="order-telephone"),
    path("session/<uuid:pk>/order/preview/", orders.order_preview, name="order-preview"),
    path("order/<uuid:pk>/countersign/", orders.order_countersign, name="order-countersign"),
    path("order/<uuid:pk>/cancel/", orders.order_cancel, name="order-cancel"),
    path("session/<uuid:pk>/findings/", orders.day_findings, name="day-findings"),
    path("session/<uuid:pk>/start/", entries.start, name="start"),
    path("session/<uuid:pk>/given/", entries.given, name="given"),
    path("administration/<uuid:pk>/stop/", entries.stop, name="stop"),
    path("administration/<uuid:pk>/correct/", entries.correct_given, name="given-correct"),
    path("session/<uuid:pk>/medicine/", entries.medicine, name="medicine"),
    path("session/<uuid:pk>/vitals/", entries.vitals, name="vitals"),
    path("vitals/<uuid:pk>/correct/", entries.correct_vitals, name="vitals-correct"),
    path("session/<uuid:pk>/log/", entries.log, name="log"),
    path("session/<uuid:pk>/challenge/<slug:kind>/", entries.challenge, name="challenge"),
    path("challenge/<uuid:pk>/answer/", entries.challenge_answer, name="challenge-answer"),
    path("session/<uuid:pk>/adverse-event/", entries.adverse_event, name="adverse-event"),
    path("adverse-event/<uuid:pk>/update/", entries.adverse_event_update, name="adverse-event-update"),
    path("adverse-event/<uuid:pk>/review/", entries.adverse_event_review, name="adverse-event-review"),
    path("incident/<uuid:pk>/answer/", entries.incident_answer, name="incident-answer"),
    path("session/<uuid:pk>/leaving-check/", entries.leaving_check, name="leaving-check"),
    path("session/<uuid:pk>/ending/", entries.ending, name="ending"),
]
