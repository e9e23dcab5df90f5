"""Keeping licences, training and competencies; an expired licence on a care team."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from episodes.models import Episode, TeamPart
from episodes.services import add_team_member
from kapclinic.accounts import services
from kapclinic.accounts.models import Competency, Licence, Role, TrainingHours, User
from kapclinic.accounts.staff import credentials_of
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from tests import factories

pytestmark = pytest.mark.django_db


def _codes(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in error.value.reasons]


def test_licence_is_refused_when_it_is_on_file(clinic: Clinic, manager: User, nurse: User) -> None:
    known = Licence.objects.get(user=nurse)
    with pytest.raises(Refused) as error:
        services.add_licence(
            user=nurse, clinic=clinic, kind=known.kind, number=f" {known.number} ", state=known.state,
            expires_on=known.expires_on, actor=manager,
        )  # fmt: skip
    assert _codes(error) == ["licence-on-file"]


def test_renewal_keeps_the_old_day_in_the_history(clinic: Clinic, nurse: User) -> None:
    licence = Licence.objects.get(user=nurse)
    before = licence.expires_on
    services.renew_licence(licence=licence, expires_on=before + timedelta(days=365))
    days = list(licence.history.order_by("pgh_id").values_list("expires_on", flat=True))
    assert days == [before, before + timedelta(days=365)]


def test_renewal_is_refused_when_it_ends_earlier(nurse: User) -> None:
    licence = Licence.objects.get(user=nurse)
    with pytest.raises(Refused) as error:
        services.renew_licence(licence=licence, expires_on=licence.expires_on - timedelta(days=1))
    assert _codes(error) == ["expires-earlier"]


def test_struck_hours_count_no_longer_and_stay_visible(
    clinic: Clinic, manager: User, therapist: User
) -> None:
    for hours in ("10", "4"):
        services.record_training(
            user=therapist,
            clinic=clinic,
            kind="didactic",
            hours=Decimal(hours),
            completed_on=date(2026, 1, 5),
            actor=manager,
        )
    wrong = TrainingHours.objects.get(hours=4)
    services.strike_training(training=wrong, reason="typed twice", actor=manager)
    found = credentials_of(therapist, clinic, now=timezone.now())
    assert found.sums[0].hours == Decimal(10)
    assert len(found.training) == 2


def test_hours_are_refused_when_the_day_has_not_come(clinic: Clinic, manager: User, therapist: User) -> None:
    tomorrow = timezone.now().astimezone(clinic.zone).date() + timedelta(days=1)
    with pytest.raises(Refused) as error:
        services.record_training(
            user=therapist,
            clinic=clinic,
            kind="didactic",
            hours=Decimal(1),
            completed_on=tomorrow,
            actor=manager,
        )
    assert _codes(error) == ["in-the-future"]


def test_competency_is_refused_when_it_is_held_and_allowed_again_after_its_end(
    clinic: Clinic, manager: User, therapist: User
) -> None:
    def record() -> Competency:
        return services.record_competency(
            user=therapist,
            clinic=clinic,
            kind="trauma",
            basis="certificate",
            since=date(2024, 1, 1),
            actor=manager,
        )

    held = record()
    with pytest.raises(Refused) as error:
        record()
    assert _codes(error) == ["competency-on-file"]
    services.end_competency(competency=held)
    assert record() != held


@pytest.mark.parametrize(("days", "is_refused"), [(-1, True), (0, False), (1, False)])
def test_care_team_refuses_a_licence_when_it_has_expired(
    clinic: Clinic, episode: Episode, coordinator: User, days: int, is_refused: bool
) -> None:
    newcomer = factories.make_member(clinic, Role.THERAPIST, name="Demo Newcomer")
    today = timezone.now().astimezone(clinic.zone).date()
    Licence.objects.filter(user=newcomer).update(expires_on=today + timedelta(days=days))
    if not is_refused:
        assert (
            add_team_member(episode=episode, part=TeamPart.THERAPIST, actor=coordinator, user=newcomer).user
            == newcomer
        )
        return
    with pytest.raises(Refused) as error:
        add_team_member(episode=episode, part=TeamPart.THERAPIST, actor=coordinator, user=newcomer)
    assert _codes(error) == ["licence-expired"]
    assert error.value.reasons[0].field == "user"


def test_care_team_refuses_a_licence_when_it_was_withdrawn(
    clinic: Clinic, episode: Episode, coordinator: User
) -> None:
    newcomer = factories.make_member(clinic, Role.NURSE)
    services.withdraw_licence(licence=Licence.objects.get(user=newcomer))
    with pytest.raises(Refused) as error:
        add_team_member(episode=episode, part=TeamPart.NURSE, actor=coordinator, user=newcomer)
    assert "withdrawn" in error.value.reasons[0].text
