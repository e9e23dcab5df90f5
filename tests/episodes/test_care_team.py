"""Care teams: roles, licences, leads, covers."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from episodes import services
from episodes.access import episode_of
from episodes.models import CareTeamMember, Episode, OutsideClinician, TeamPart
from kapclinic.accounts import policy
from kapclinic.accounts.models import Licence, Role
from kapclinic.clinics.refusals import Refused
from tests import factories


def _set_expiry(user, days: int) -> None:
    Licence.objects.filter(user=user).update(expires_on=timezone.localdate() + timedelta(days=days))


@pytest.mark.parametrize(("days", "refused"), [(-1, True), (0, False), (1, False)])
def test_licence_counts_up_to_its_last_day(episode, clinic, days: int, refused: bool) -> None:
    newcomer = factories.make_member(clinic, Role.THERAPIST)
    noon = timezone.now().astimezone(clinic.zone).replace(hour=12, minute=0)
    with time_machine.travel(noon, tick=False), timezone.override(clinic.zone):
        _set_expiry(newcomer, days)
        if refused:
            with pytest.raises(Refused, match="expired"):
                services.add_team_member(
                    episode=episode, part=TeamPart.THERAPIST, actor=newcomer, user=newcomer
                )
        else:
            services.add_team_member(episode=episode, part=TeamPart.THERAPIST, actor=newcomer, user=newcomer)


def test_all_reasons_are_named_at_once(episode, clinic, coordinator) -> None:
    with pytest.raises(Refused) as refusal:
        services.add_team_member(
            episode=episode, part=TeamPart.PRESCRIBER, actor=coordinator, user=coordinator
        )
    assert [reason.code for reason in refusal.value.reasons] == ["no-role", "licence-expired"]


def test_withdrawn_licence_is_refused(episode, clinic) -> None:
    newcomer = factories.make_member(clinic, Role.NURSE)
    Licence.objects.filter(user=newcomer).update(is_withdrawn=True)
    with pytest.raises(Refused, match="withdrawn"):
        services.add_team_member(episode=episode, part=TeamPart.NURSE, actor=newcomer, user=newcomer)


def test_new_therapist_takes_over(episode, clinic, therapist) -> None:
    newcomer = factories.make_member(clinic, Role.THERAPIST)
    services.add_team_member(episode=episode, part=TeamPart.THERAPIST, actor=therapist, user=newcomer)
    current = CareTeamMember.objects.in_force(timezone.now()).filter(episode=episode, part=TeamPart.THERAPIST)
    assert [member.user for member in current] == [newcomer]


def test_one_person_may_be_prescriber_and_therapist(episode, clinic) -> None:
    solo = factories.make_member(clinic, Role.PRESCRIBER, Role.THERAPIST)
    for part in (TeamPart.PRESCRIBER, TeamPart.THERAPIST):
        services.add_team_member(episode=episode, part=part, actor=solo, user=solo)
    assert CareTeamMember.objects.in_force(timezone.now()).filter(episode=episode, user=solo).count() == 2


def test_joining_twice_is_once(episode, nurse) -> None:
    services.add_team_member(episode=episode, part=TeamPart.NURSE, actor=nurse, user=nurse)
    assert CareTeamMember.objects.filter(episode=episode, user=nurse).count() == 1


def test_outside_clinician_can_be_the_therapist(episode, clinic, coordinator) -> None:
    outside = OutsideClinician.objects.create(
        clinic=clinic, name="Demo Outside", phone="+1 303 555 0140", acknowledges_by="fax"
    )
    member = services.add_team_member(
        episode=episode, part=TeamPart.THERAPIST, actor=coordinator, outside=outside
    )
    assert (member.user, member.outside) == (None, outside)


def test_rights_end_with_the_part(episode: Episode, clinic, therapist) -> None:
    assert policy.can(factories.make_actor(therapist, clinic), "chart.view", episode)
    member = CareTeamMember.objects.get(episode=episode, user=therapist)
    services.end_team_member(member=member, actor=therapist)
    assert not policy.can(factories.make_actor(therapist, clinic), "chart.view", episode)
    assert episode_of(member) == episode


@pytest.mark.parametrize(
    ("offset", "sees"),
    [
        (timedelta(days=-1, seconds=-1), False),
        (timedelta(days=-1), True),
        (timedelta(0), True),
        (timedelta(hours=1, days=7, seconds=-1), True),
        (timedelta(hours=1, days=7), False),
    ],
)
def test_cover_sees_the_chart_from_the_day_before_to_seven_days_after(
    episode, clinic, offset: timedelta, sees: bool
) -> None:
    cover = factories.make_member(clinic, Role.THERAPIST)
    factories.make_cover(episode, cover)
    starts = timezone.now() + timedelta(days=3)
    services.grant_cover_access(
        episode=episode,
        user=cover,
        part=TeamPart.COVER_THERAPIST,
        starts_at=starts,
        ends_at=starts + timedelta(hours=1),
    )
    with time_machine.travel(starts + offset, tick=False):
        assert policy.can(factories.make_actor(cover, clinic), "chart.view", episode) is sees


def test_named_cover_sees_nothing_before_a_booking(episode, clinic) -> None:
    cover = factories.make_member(clinic, Role.THERAPIST)
    factories.make_cover(episode, cover)
    assert not policy.can(factories.make_actor(cover, clinic), "chart.view", episode)
