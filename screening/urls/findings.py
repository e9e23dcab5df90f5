"""Addresses of facts, findings, risk and the decision."""

from django.urls import path

from screening.views import facts, findings, history, medications, risk

urlpatterns = [
    path("<str:public_id>/", findings.overview, name="overview"),
    path("<str:public_id>/history/", history.history, name="history"),
    path("<str:public_id>/conditions/", facts.conditions, name="conditions"),
    path("conditions/<uuid:pk>/change/", facts.condition_change, name="condition-change"),
    path("<str:public_id>/medications/", medications.medications, name="medications"),
    path(
        "<str:public_id>/medications/recognise/",
        medications.medication_recognise,
        name="medication-recognise",
    ),
    path("<str:public_id>/medications/reviewed/", medications.medication_review, name="medication-review"),
    path("medications/<uuid:pk>/change/", medications.medication_change, name="medication-change"),
    path("medications/<uuid:pk>/classify/", medications.medication_classify, name="medication-classify"),
    path("<str:public_id>/vitals/", facts.vitals, name="vitals"),
    path("<str:public_id>/pregnancy/", facts.pregnancy, name="pregnancy"),
    path("<str:public_id>/pregnancy/test/", facts.pregnancy_test, name="pregnancy-test"),
    path("<str:public_id>/results/", facts.results, name="results"),
    path("<str:public_id>/prescription-monitoring/", facts.monitoring, name="monitoring"),
    path("<str:public_id>/rems/", facts.rems, name="rems"),
    path("<str:public_id>/risk/", risk.assess, name="risk-assess"),
    path("<str:public_id>/findings/", findings.answer, name="finding-answer"),
    path("<str:public_id>/decision/", findings.decide, name="eligibility-decide"),
    path("facts/<str:kind>/<uuid:pk>/correct/", facts.retract, name="retract"),
]
