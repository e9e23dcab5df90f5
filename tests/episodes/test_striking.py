"""Entered in error."""

import pytest
from django.db import IntegrityError, transaction

from episodes import services
from episodes.models import Consent, EpisodeEvent, Goal
from kapclinic.clinics.refusals import Refused
from tests import factories


def test_struck_entry_stays_with_who_and_why(episode, therapist) -> None:
    goal = services.set_goal(episode=episode, text="Sleep through", actor=therapist)
    services.strike_entry(entry=goal, reason="Another patient's", actor=therapist)
    goal.refresh_from_db()
    assert (goal.is_struck, goal.entered_in_error_by, goal.entered_in_error_reason) == (
        True,
        therapist,
        "Another patient's",
    )
    assert not Goal.objects.standing().filter(pk=goal.pk).exists()
    assert EpisodeEvent.objects.filter(episode=episode, kind="entry.struck").count() == 1


def test_striking_twice_keeps_the_first_reason(episode, therapist) -> None:
    goal = services.set_goal(episode=episode, text="Sleep through", actor=therapist)
    for reason in ("First", "Second"):
        services.strike_entry(entry=goal, reason=reason, actor=therapist)
    goal.refresh_from_db()
    assert goal.entered_in_error_reason == "First"


def test_striking_asks_for_a_reason(episode, therapist) -> None:
    goal = services.set_goal(episode=episode, text="Sleep through", actor=therapist)
    with pytest.raises(Refused):
        services.strike_entry(entry=goal, reason="  ", actor=therapist)


def test_database_refuses_a_strike_without_who_and_why(episode, nurse) -> None:
    consent = factories.make_treatment_consent(episode, nurse)
    with pytest.raises(IntegrityError), transaction.atomic():
        Consent.objects.filter(pk=consent.pk).update(entered_in_error_reason="why")
