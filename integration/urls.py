"""Addresses of integration."""

from django.urls import path

from integration.views import capacity, courses, pages, plans, repairs

app_name = "integration"
urlpatterns = [
    path("waiting/", pages.waiting, name="waiting"),
    path("episodes/<str:public_id>/", pages.overview, name="overview"),
    path("episodes/<str:public_id>/record/", pages.session_record, name="session-record"),
    path("episodes/<str:public_id>/course/", courses.ask, name="course-ask"),
    path("courses/<uuid:pk>/", courses.detail, name="course-detail"),
    path("courses/<uuid:pk>/adjust/", courses.adjust, name="course-adjust"),
    path("courses/<uuid:pk>/book/", courses.book, name="course-book"),
    path("courses/<uuid:pk>/drop/", courses.drop, name="course-drop"),
    path("courses/<uuid:pk>/undo/", courses.undo, name="course-undo"),
    path("windows/<uuid:pk>/", pages.need_detail, name="need-detail"),
    path("windows/<uuid:pk>/apply/", pages.need_apply, name="need-apply"),
    path("windows/<uuid:pk>/missed/", pages.need_miss, name="need-miss"),
    path("windows/<uuid:pk>/repair/", repairs.need_repair, name="need-repair"),
    path("windows/<uuid:pk>/repair/undo/", repairs.need_repair_undo, name="need-repair-undo"),
    path("plans/", plans.index, name="plans"),
    path("capacity/", capacity.show, name="capacity"),
    path("plans/look/", plans.look, name="plan-look"),
    path("plans/<uuid:pk>/", plans.detail, name="plan-detail"),
    path("plans/<uuid:pk>/apply/", plans.apply, name="plan-apply"),
    path("plans/<uuid:pk>/look-again/", plans.look_again, name="plan-look-again"),
    path("plans/<uuid:pk>/drop/", plans.drop, name="plan-drop"),
    path("plans/<uuid:pk>/undo/", plans.undo, name="plan-undo"),
    path("appointments/<uuid:pk>/held/", pages.session_hold, name="session-hold"),
    path("sessions/<uuid:pk>/", pages.session_detail, name="session-detail"),
    path("sessions/<uuid:pk>/addendum/", pages.session_addendum, name="session-addendum"),
]
