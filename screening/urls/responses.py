"""Addresses of questionnaires and imports."""

from django.urls import path

from screening.views import imports, responses

urlpatterns = [
    path("questionnaires/about/", responses.about, name="response-about"),
    path("questionnaires/review/", responses.review_list, name="response-review"),
    path("questionnaires/review/<uuid:pk>/", responses.review_done, name="response-review-done"),
    path("questionnaires/<uuid:pk>/", responses.detail, name="response-detail"),
    path("questionnaires/<uuid:pk>/saved/", responses.saved, name="response-saved"),
    path("questionnaires/<uuid:pk>/correct/", responses.correct, name="response-correct"),
    path("imports/", imports.home, name="import"),
    path("imports/<uuid:pk>/", imports.detail, name="import-detail"),
    path("imports/<uuid:pk>/prepare/", imports.prepare, name="import-prepare"),
    path("imports/<uuid:pk>/give-up/", imports.abandon, name="import-abandon"),
    path("imports/<uuid:pk>/progress/", imports.progress, name="import-progress"),
    path("imports/<uuid:pk>/refused.csv", imports.refused_csv, name="import-refused"),
    path("<str:public_id>/questionnaires/", responses.listing, name="response-list"),
    path("<str:public_id>/questionnaires/<slug:instrument_id>/", responses.create, name="response-create"),
]
