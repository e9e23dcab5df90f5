"""The sharing consent decides when a page of screening or of the dosing room is read: shown, revoked, withheld at once."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from episodes.models import Consent
from episodes.services import revoke_consent
from episodes.sharing import UNNAMED
from kapclinic.accounts.models import User
from kapclinic.documents.services import store_attachment
from kapclinic.notices.models import Task
from kapclinic.outcomes.report import build_report
from screening.models import Condition, Finding, HistoryAnswer, Medication, Response, StudyResult
from screening.models.measured import StudyKind
from screening.questions import QUESTIONS
from screening.services.facts import answer_history, record_condition, record_medication, record_result
from screening.services.responses import record_response
from sessions.jobs import look_whether_ready
from sessions.services import record_vitals
from sessions.services.common import READINESS_TASK
from tests import factories
from tests.screening.screening_situations import answer_phq9, paper, screen
from tests.sessions.situations import make_room

HOURS = timedelta(hours=3)
NOTICE = "42 CFR part 2 prohibits"
PAPER = "documents:attachment"
LABEL = "Active substance use disorder"


@dataclass
class Written:
    """What the nurse wrote down of one patient's substance use, and what is planned."""

    room: Any
    audit_c: Response
    condition: Condition
    medication: Medication
    toxicology: StudyResult


@pytest.fixture
def written(clinic: Any, patient: Any, nurse: User, therapist: User, prescriber: User) -> Written:
    room = make_room(clinic, patient, nurse, therapist, prescriber)
    room.plan()
    episode, today = room.episode, timezone.localdate()
    # Said later than the rest: the log shows the newest lines, and those of one moment in any order.
    screen(episode, nurse, now=timezone.now() - timedelta(minutes=5))
    answers = {question.key: "yes" if question.key == "substance_use" else "no" for question in QUESTIONS}
    answer_history(episode=episode, answers=answers, actor=nurse)
    audit_c = record_response(
        patient=patient, episode=episode, instrument_id="audit-c", answers=[4, 3, 3], actor=nurse,
        request_key=uuid.uuid4(),
    )  # fmt: skip
    condition = record_condition(
        episode=episode, actor=nurse,
        values={"kind": "substance_use", "name": "Made-up dependence", "status": "active"},
    )  # fmt: skip
    medication = record_medication(episode=episode, values={"name": "Antabuse"}, actor=nurse)
    toxicology = record_result(
        episode=episode, actor=nurse,
        values={"kind": StudyKind.TOXICOLOGY, "title": "Urine screen (Made-up)", "performed_on": today,
                "evidence": store_attachment(
            clinic=clinic, subject_id=episode.pk, title="Paper (Made-up)", upload=paper(), actor=nurse)},
    )  # fmt: skip
    return Written(room, audit_c, condition, medication, toxicology)


def _episode(written: Written) -> Any:
    return written.room.episode.public_id


# Address, what it is asked with, and the words that give substance use away.
TELLING: tuple[tuple[str, Callable[[Written], Any], str], ...] = (
    ("screening:overview", _episode, LABEL),
    ("screening:eligibility-decide", _episode, LABEL),
    ("screening:history", _episode, 'name="q-substance_use" value="yes" checked'),
    ("screening:conditions", _episode, "Made-up dependence"),
    ("screening:condition-change", lambda written: written.condition.pk, "Made-up dependence"),
    ("screening:medications", _episode, "Antabuse"),
    ("screening:medication-change", lambda written: written.medication.pk, "Antabuse"),
    ("screening:results", _episode, "Urine screen (Made-up)"),
    ("screening:response-list", _episode, "/10/"),
    ("screening:response-detail", lambda written: written.audit_c.pk, "At or above the cut-off"),
    ("screening:response-correct", lambda written: written.audit_c.pk, "a drink containing alcohol"),
    (PAPER, lambda written: written.toxicology.evidence_id, "PNG"),
    ("dosing:session-detail", lambda written: written.room.session.pk, LABEL),
    ("desk:chart", _episode, LABEL),
    ("episodes:episode-detail", _episode, LABEL),
)
EVERYWHERE = frozenset(name for name, _, _ in TELLING)
SCREENING = frozenset(name for name in EVERYWHERE if name.startswith("screening:"))
# Enough to see that nothing changes elsewhere: the pages' own tests read them at a clinic that is no Part 2 program.
SOME = frozenset({"screening:overview", "screening:conditions", "screening:response-detail", "desk:chart"})


def _words(words: str, written: Written) -> str:
    return reverse("screening:response-detail", args=[written.audit_c.pk]) if words == "/10/" else words


def _read(user: User, written: Written, names: Iterable[str] = EVERYWHERE) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    pages = {}
    for name, argument, _ in TELLING:
        if name not in names:
            continue
        response = client.get(reverse(name, args=[argument(written)]))
        assert response.status_code == (200 if name != PAPER else response.status_code), name
        pages[name] = response.content.decode(errors="replace")
    return pages


def _telling(pages: dict[str, str], written: Written) -> set[str]:
    """Those of the pages that give the substance use away."""
    return {name for name, _, words in TELLING if name in pages and _words(words, written) in pages[name]}


def consent_over(written: Written, *categories: str, **details: Any) -> Consent:
    return factories.make_sharing_consent(
        written.room.episode, written.room.nurse, list(categories), **details
    )


def test_part_2_clinic_withholds_substance_use_on_every_page_until_a_consent_names_the_reader(
    written: Written, prescriber: User, nurse: User
) -> None:
    pages = _read(prescriber, written, SOME)
    assert _telling(pages, written) == SOME, "no Part 2 program: nothing changes for who treats"
    assert not any(NOTICE in page for page in pages.values())

    factories.approve_setting(written.room.clinic, "sharing.part2_program", True)
    # A consent that names somebody else shows nothing, before and after.
    consent_over(written, "substance-use", recipient_parts=["therapist"])
    consent = consent_over(written, "substance-use")
    pages = _read(prescriber, written)
    assert _telling(pages, written) == EVERYWHERE
    assert {name for name in SCREENING if NOTICE not in pages[name]} == set()

    revoke_consent(consent=consent, how="By phone", actor=nurse)
    pages = _read(prescriber, written)
    assert _telling(pages, written) == set(), "withheld at the next request"
    assert {name for name in SCREENING if "Withheld" not in pages[name]} == set()
    assert "A finding that is withheld stands" in pages["screening:overview"]
    assert UNNAMED[:40] in pages["dosing:session-detail"]
    for name, page in pages.items():
        assert not {word for word in ("Made-up", "CI-SUD-ACTIVE", "Antabuse") if word in page}, name
    # Who wrote it down still sees it.
    own = Client()
    own.force_login(nurse)
    for name in ("screening:conditions", "screening:overview"):
        page = own.get(reverse(name, args=[written.room.episode.public_id])).content.decode()
        assert "Made-up dependence" in page, name


def test_rules_hold_decision_and_dose_without_naming_what_is_withheld(
    written: Written, prescriber: User
) -> None:
    factories.approve_setting(written.room.clinic, "sharing.part2_program", True)
    episode, today = written.room.episode, timezone.localdate()
    client = Client()
    client.force_login(prescriber)
    response = client.post(
        reverse("screening:eligibility-decide", args=[episode.public_id]),
        {
            "outcome": "eligible",
            "rationale": "Made up",
            "valid_until": (today + timedelta(days=20)).isoformat(),
            "request_key": uuid.uuid4(),
        },
    )
    assert response.status_code == 422
    page = response.content.decode()
    assert UNNAMED[:40] in page
    assert LABEL not in page
    assert Finding.objects.filter(episode=episode, code="CI-SUD-ACTIVE", cleared_at__isnull=True).exists()
    # Search finds people by name alone.
    for words in ("Antabuse", "Made-up dependence"):
        assert episode.public_id not in client.post(reverse("desk:search"), {"q": words}).content.decode()
    # An answer that is withheld cannot be overwritten unseen.
    client.post(
        reverse("screening:history", args=[episode.public_id]),
        {"q-substance_use": "no", "q-ketamine_misuse": "no", "q-migraine": "no"},
    )
    assert HistoryAnswer.objects.current().get(episode=episode, question="substance_use").answer == "yes"
    # What is kept outlives a consent: a task names nothing, not even at a clinic that is no Part 2 program.
    session, now = written.room.session, timezone.now()
    planned = now + timedelta(hours=30)
    type(session).objects.filter(pk=session.pk).update(planned_at=planned, planned_until=planned + HOURS)
    look_whether_ready({"session": str(session.pk), "planned_at": planned.isoformat()}, now=now)
    task = Task.objects.get(episode=episode, kind=READINESS_TASK)
    assert UNNAMED[:40] in task.detail
    assert "substance" not in task.detail.lower()


# What the other discipline recorded, with the consent that shows it to the therapist, and words of it.
OF_THE_OTHER_SIDE: tuple[tuple[str, Callable[[Any], Any], tuple[str, ...], str], ...] = (
    ("screening:response-list", lambda room: room.episode.public_id, ("scores",), "8 Mild"),
    ("screening:response-detail", lambda room: room.response.pk, ("scores",), "Table of answers"),
    ("screening:medications", lambda room: room.episode.public_id, ("medication",), "Lorazepam"),
    ("screening:medication-change", lambda room: room.medication.pk, ("medication",), "Lorazepam"),
    # The finding is safety and stands; the name of what it rests on is the consent's.
    ("screening:overview", lambda room: room.episode.public_id, ("medication",), "Lorazepam"),
    ("dosing:session-detail", lambda room: room.session.pk, ("dose",), "156/94"),
    ("dosing:session-list", lambda room: room.episode.public_id, ("dose",), "34 mg"),
    ("dosing:vitals-correct", lambda room: room.reading.pk, ("dose",), "156"),
)


def test_therapist_sees_what_the_medical_side_recorded_by_consent_and_the_own_rows_always(
    clinic: Any, patient: Any, nurse: User, therapist: User, prescriber: User
) -> None:
    room: Any = make_room(clinic, patient, nurse, therapist, prescriber)
    room.whole_dose()
    room.reading = room.vitals(30, systolic=156, diastolic=94)
    room.response = answer_phq9(room.episode, nurse)
    room.medication = record_medication(episode=room.episode, values={"name": "Lorazepam"}, actor=nurse)
    own = record_vitals(
        session=room.session, details={"taken_at": room.at(40), "systolic": 133, "diastolic": 71},
        actor=therapist, now=room.at(40),
    )  # fmt: skip
    client = Client()
    client.force_login(therapist)

    def read() -> tuple[dict[str, str], set[str]]:
        """The pages, and those of them that show it."""
        pages = {}
        for name, argument, _, words in OF_THE_OTHER_SIDE:
            response = client.get(reverse(name, args=[argument(room)]))
            assert response.status_code == 200, name
            pages[name] = response.content.decode()
            assert words in pages[name] or "Withheld" in pages[name], name
        return pages, {name for name, _, _, words in OF_THE_OTHER_SIDE if words in pages[name]}

    categories = {category for _, _, needed, _ in OF_THE_OTHER_SIDE for category in needed}
    consent = factories.make_sharing_consent(room.episode, nurse, [*sorted(categories), "adverse-events"])
    _pages, shown = read()
    assert shown == {name for name, *_ in OF_THE_OTHER_SIDE}
    report = build_report(
        factories.make_actor(therapist, clinic), is_clinic=False, period="all", now=timezone.now()
    )
    assert (report.scores_withheld, report.events_withheld) == (0, 0)
    revoke_consent(consent=consent, how="By phone", actor=nurse)
    pages, shown = read()
    assert shown == set()
    assert "Benzodiazepine" in pages["screening:overview"]
    own_words = "what the therapist measured stays the therapist's to see"
    assert own.pressure in pages["dosing:session-detail"], own_words
    report = build_report(
        factories.make_actor(therapist, clinic), is_clinic=False, period="all", now=timezone.now()
    )
    assert (report.dosed, report.scores_withheld, report.events_withheld) == (1, 1, 1)
