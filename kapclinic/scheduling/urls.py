"""Addresses of the calendar."""

from django.urls import path

from kapclinic.scheduling.views import appointments, calendar, feeds, patients, roster, slots, undoing

app_name = "scheduling"
urlpatterns = [
    path("", calendar.calendar, name="calendar"),
    path("book/", slots.whom, name="slot-book"),
    path("meetings/new/", appointments.book_meeting, name="meeting-book"),
    path("episodes/<str:public_id>/book/", appointments.book, name="appointment-book"),
    path("appointments/<uuid:pk>/", appointments.show, name="appointment-detail"),
    path("appointments/<uuid:pk>/move/", appointments.move, name="appointment-move"),
    path("appointments/<uuid:pk>/cancel/", appointments.cancel, name="appointment-cancel"),
    path("appointments/<uuid:pk>/tell/", appointments.tell, name="appointment-tell"),
    path("appointments/<uuid:pk>/arrive/", appointments.arrive, name="appointment-arrive"),
    path("appointments/<uuid:pk>/no-show/", appointments.no_show, name="appointment-no-show"),
    path("appointments/<uuid:pk>/complete/", appointments.complete, name="appointment-complete"),
    path("changes/<uuid:pk>/undo/", undoing.undo, name="change-undo"),
    path("feed/", feeds.own, name="feed"),
    path("feed/revoke/", feeds.revoke, name="feed-revoke"),
    path("feeds/<str:secret>.ics", feeds.calendar, name="feed-calendar"),
    path("patients/<str:public_id>/", patients.availability, name="patient-availability"),
    path("patients/<str:what>/<uuid:pk>/withdraw/", patients.withdraw, name="patient-withdraw"),
    path("hours/", roster.index, name="rosters"),
    path("hours/holidays/", roster.add_holiday, name="holiday-add"),
    path("hours/holidays/<uuid:pk>/withdraw/", roster.withdraw_holiday, name="holiday-withdraw"),
    path("hours/rooms/<uuid:room>/", roster.room, name="room-hours"),
    path("hours/<uuid:person>/", roster.person, name="roster"),
    path("hours/<str:what>/<uuid:pk>/withdraw/", roster.withdraw, name="roster-withdraw"),
]
