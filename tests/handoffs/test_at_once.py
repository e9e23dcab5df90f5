"""Two people at once, with real commits."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.handoffs.models import Acknowledgement, Handoff, HandoffKind, Message
from kapclinic.handoffs.services import acknowledge_handoff, amend_handoff, save_draft, sign_handoff
from kapclinic.handoffs.services.messaging import post_message
from kapclinic.handoffs.services.watching import watch_handoffs
from kapclinic.notices.models import Notice, Task
from tests import factories
from tests.handoffs.situations import words
from tests.integration.situations import make_clinic_at_work
from tests.integration.test_concurrency import at_once

KIND = HandoffKind.COORDINATION


@pytest.fixture
def work(committed_db: Any) -> tuple[Any, Any, Any]:
    """An episode with its therapist and prescriber."""
    clinic, people = make_clinic_at_work()
    therapist, prescriber = people[Role.THERAPIST], people[Role.PRESCRIBER]
    episode = factories.make_episode(
        factories.make_patient(clinic), prescriber=prescriber, therapist=therapist
    )
    return episode, therapist, prescriber


def signed(episode: Any, author: Any) -> Handoff:
    kept = save_draft(kind=KIND, episode=episode, body=words(KIND), version=0, actor=author)
    return sign_handoff(handoff=kept, version=kept.version, actor=author)


def test_loop_holds_when_two_act_on_it_at_once(work: tuple[Any, Any, Any]) -> None:
    episode, therapist, prescriber = work
    # Two begin the draft: one text stands, the other is told and loses nothing.
    texts = ["First goals.", "Second goals."]
    drafts = at_once(
        [
            lambda text=text: save_draft(
                kind=KIND, episode=episode, body=words(KIND, goals=text), version=0, actor=therapist
            )
            for text in texts
        ]
    )
    assert sum(isinstance(result, Refused) for result in drafts) == 1
    draft = Handoff.objects.get()
    # Signed in two tabs: one document.
    first, second = at_once([lambda: sign_handoff(handoff=draft, version=draft.version, actor=therapist)] * 2)
    assert first.document_id == second.document_id
    handoff = Handoff.objects.get()
    # Acknowledged in three tabs: once.
    read = at_once([lambda: acknowledge_handoff(handoff=handoff, actor=prescriber)] * 3)
    assert len({each.pk for each in read}) == Acknowledgement.objects.count() == 1
    # Amended in two tabs: one next edition.
    new = at_once([lambda: amend_handoff(handoff=handoff, reason="Corrected.", actor=therapist)] * 2)
    assert len({each.pk for each in new}) == 1


def test_old_edition_is_refused_or_read_before_when_it_is_amended_at_that_moment(
    work: tuple[Any, Any, Any],
) -> None:
    episode, therapist, prescriber = work
    handoff = signed(episode, therapist)
    new = amend_handoff(handoff=handoff, reason="Corrected.", actor=therapist)
    acknowledged, edition = at_once(
        [
            lambda: acknowledge_handoff(handoff=handoff, actor=prescriber),
            lambda: sign_handoff(handoff=new, version=new.version, actor=therapist),
        ]
    )
    assert edition.is_signed
    if isinstance(acknowledged, Refused):
        assert str(acknowledged) == "Edition 2 was signed meanwhile: read that one."
        assert not Acknowledgement.objects.exists()
    else:
        assert acknowledged.handoff_id == handoff.pk
    assert set(Handoff.objects.unread()) == {edition}
    # A message sent twice at once is one, and tells each person once.
    key = uuid.uuid4()
    sent = at_once(
        [
            lambda: post_message(
                episode=episode, topic="clinical", text="Look at edition 2.", actor=therapist,
                roles=frozenset({Role.THERAPIST}), request_key=key,
            )
        ]
        * 3
    )  # fmt: skip
    assert len({each.pk for each in sent}) == Message.objects.count() == 1
    assert Notice.objects.filter(key__startswith="message:").count() == 1
    # Two workers look at the clinic at once.
    late = timezone.now() + timedelta(days=1)
    at_once([lambda: watch_handoffs(clinic=episode.clinic, now=late)] * 2)
    keys = list(Task.objects.values_list("key", flat=True))
    assert len(keys) == len(set(keys))
