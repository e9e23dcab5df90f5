"""Why a plan moves a session, and what a repair asks for, as texts and back: pure, in tables."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from integration.moves import (
    FOR_OTHERS,
    NEARER,
    NO_ROOM,
    NOT_WORKED,
    OUTSIDE,
    PREFERRED,
    Move,
    why_it_moves,
)
from integration.repairs import Offer, offer_from
from kapclinic.scheduling.planner import RepairKind
from kapclinic.scheduling.spans import Span

ILL = "Demo Therapist is ill then."
NOON = datetime(2026, 6, 9, 18, tzinfo=UTC)
PERSON = str(uuid4())


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (Move(lost=ILL, is_inside=False, is_worked=False), ILL),
        (Move(is_inside=False, is_worked=False), OUTSIDE),
        (Move(is_worked=False, has_room=False), NOT_WORKED),
        (Move(has_room=False, nearer=True), NO_ROOM),
        (Move(nearer=True, was_preferred=False), NEARER),
        (Move(was_preferred=False), PREFERRED),
        (Move(was_preferred=False, will_be_preferred=False), FOR_OTHERS),
        (Move(), FOR_OTHERS),
    ],
)
def test_first_thing_that_holds_is_the_reason(move, words):
    assert why_it_moves(move) == words


@pytest.mark.parametrize(
    "offer",
    [
        Offer(RepairKind.EXTRA_HOUR, person=PERSON, span=Span(NOON, NOON + timedelta(hours=1))),
        Offer(RepairKind.COVER, person=PERSON),
        Offer(RepairKind.DOSE_TIME, dose_at=NOON),
    ],
)
def test_offer_comes_back_from_its_texts(offer):
    assert offer_from(offer.as_dict()) == offer


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "another"},
        {"kind": "cover"},
        {"kind": "cover", "person": "nobody"},
        {"kind": "dose_time", "dose_at": "2026-06-09T12:00:00"},
        {"kind": "dose_time", "dose_at": "soon"},
        {"kind": "extra_hour", "person": PERSON, "starts_at": NOON.isoformat()},
        {
            "kind": "extra_hour",
            "person": PERSON,
            "starts_at": NOON.isoformat(),
            "ends_at": (NOON - timedelta(hours=1)).isoformat(),
        },
    ],
)
def test_texts_that_make_no_offer_are_refused(fields):
    with pytest.raises((KeyError, ValueError)):
        offer_from(fields)
