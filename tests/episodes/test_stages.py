"""Every pair of stages: allowed edges are taken by the right roles, all others are refused."""

from itertools import product

import pytest

from episodes import guards, services
from episodes.models import Episode, EpisodeEvent
from episodes.stages import EDGES, JOURNEY, CloseReason, Stage, edge, next_stages
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from tests import factories

ALL_PAIRS = list(product(Stage.values, Stage.values))


@pytest.mark.parametrize(("origin", "target"), ALL_PAIRS)
def test_pair_is_an_edge_only_when_the_table_says_so(origin: str, target: str) -> None:
    assert (edge(origin, target) is not None) == ((origin, target) in EDGES)
    assert (target in next_stages(origin)) == ((origin, target) in EDGES)


def test_nothing_follows_a_closed_episode() -> None:
    assert next_stages(Stage.CLOSED) == []


def test_every_edge_asks_a_guarded_action_and_names_roles() -> None:
    for step in EDGES.values():
        assert step.action in guards.ACTIONS
        assert step.roles
        assert Role.MANAGER not in step.roles


def test_journey_names_every_stage_once() -> None:
    assert sorted(JOURNEY) == sorted(Stage.values)


@pytest.mark.parametrize(
    ("origin", "target"), [pair for pair in ALL_PAIRS if pair not in EDGES and pair[0] != pair[1]]
)
def test_step_is_refused_when_it_is_no_edge(episode: Episode, prescriber, origin: str, target: str) -> None:
    if origin == Stage.CLOSED:
        services.close_episode(
            episode=episode, reason=CloseReason.DECLINED, insights="", next_steps="", actor=prescriber,
            roles=frozenset({Role.PRESCRIBER}),
        )  # fmt: skip
    else:
        Episode.objects.filter(pk=episode.pk).update(stage=origin)
    with pytest.raises(Refused):
        services.move_stage(
            episode=episode,
            target=target,
            actor=prescriber,
            roles=frozenset({Role.PRESCRIBER, Role.THERAPIST}),
        )
    episode.refresh_from_db()
    assert episode.stage == origin


def test_step_is_refused_when_the_role_does_not_take_it(episode: Episode, manager) -> None:
    with pytest.raises(Refused) as refusal:
        services.move_stage(
            episode=episode, target=Stage.SCREENING, actor=manager, roles=frozenset({Role.MANAGER})
        )
    assert [reason.code for reason in refusal.value.reasons] == ["not-your-step"]


def test_step_writes_an_event_and_twice_is_once(episode: Episode, coordinator) -> None:
    roles = frozenset({Role.COORDINATOR})
    for _ in range(2):
        services.move_stage(episode=episode, target=Stage.SCREENING, actor=coordinator, roles=roles)
    events = EpisodeEvent.objects.filter(episode=episode, kind="stage.moved")
    assert [event.data["to"] for event in events] == [Stage.SCREENING]


def test_closing_after_treatment_asks_for_reason_insights_and_next_steps_at_once(patient, prescriber) -> None:
    episode = factories.make_episode(patient, prescriber=prescriber, stage=Stage.TREATMENT)
    with pytest.raises(Refused) as refusal:
        services.close_episode(
            episode=episode, reason="", insights=" ", next_steps="", actor=prescriber,
            roles=frozenset({Role.PRESCRIBER}),
        )  # fmt: skip
    assert {reason.field for reason in refusal.value.reasons} == {"reason", "insights", "next_steps"}


def test_closed_episode_keeps_its_summary_and_a_new_one_can_begin(
    episode: Episode, prescriber, patient
) -> None:
    services.close_episode(
        episode=episode, reason=CloseReason.WITHDREW, insights="Asked for help", next_steps="Calls in May",
        actor=prescriber, roles=frozenset({Role.PRESCRIBER}),
    )  # fmt: skip
    episode.refresh_from_db()
    assert (episode.stage, episode.closing_insights) == (Stage.CLOSED, "Asked for help")
    assert factories.make_episode(patient, prescriber=prescriber).is_open
