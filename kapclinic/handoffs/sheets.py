"""Papers that leave with the patient: the sheet for the way home, and the summary at the end of an episode.

Each is a document of its own kind; asking again with nothing changed gives the one that is there, and a change (another
integration time) is its next version.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode
from episodes.services.locking import lock_episode
from integration.selectors import integration_summary, window_facts
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.documents import snapshots
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.charts import day_label
from kapclinic.documents.kinds import DocumentKind
from kapclinic.documents.models import Document
from kapclinic.documents.parts import letterhead_of, local_time, patient_block, signature_of
from kapclinic.documents.selectors import documents_of
from kapclinic.documents.services import issue_document
from kapclinic.handoffs import record
from kapclinic.notices.models import Task
from kapclinic.notices.services import open_task
from sessions.models import DosingSession
from sessions.selectors import doses_of_episode

# Label 5.1-5.4 of esketamine and practice guides G1, G2: no driving until the next day after restful sleep; the signs
# that call for emergency care are those of the label.
AFTERCARE = (
    "Go home with the person who came for you. Do not go alone, and do not drive.",
    "Do not drive, cycle in traffic, use machines or sign anything important until tomorrow, after a night of restful sleep.",
    "Rest. Drink water, eat something light. Keep screens and appointments for another day.",
    "No alcohol, cannabis or sleeping pills that your prescriber has not agreed to.",
    "Take your usual medicines as your prescriber told you.",
    "Write down what you remember, in words or pictures, while it is fresh. It need not make sense yet.",
    "Being tired, a little dizzy, or moved to tears today is usual and passes.",
)
EMERGENCY_SIGNS = (
    "chest pain, trouble breathing, or fainting",
    "a sudden very strong headache, trouble seeing or speaking, a seizure, weakness on one side",
    "not being able to be woken",
    "thoughts of ending your life, or of harming somebody",
)

# POLICY: the call of the next day is made by noon.
_CALL_BY = time(12, 0)


def _home(document: Document) -> str:
    public_id = Episode.objects.filter(pk=document.subject_id).values_list("public_id", flat=True).first()
    return reverse("handoffs:of-episode", args=[public_id]) if public_id else ""


SHEET = DocumentKind(
    "instruction-sheet", "Instructions for the way home", "instructions", "document.instructions", home=_home
)
CLOSING = DocumentKind("closing-summary", "Closing summary", "closing-summary", "document.read", home=_home)


def issue_instruction_sheet(*, session: DosingSession, actor: User, now: datetime | None = None) -> Document:
    """The sheet for the way home after this session, with the integration time that stands now.

    Raises:
        Refused: no dose was given in this session.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(session.episode)
        zone = session.clinic.zone
        anchors = session.anchors()
        if anchors.d0 is None:
            raise Refused(Reason("dose-not-given", "No dose is recorded in this session yet."))
        clinic = session.clinic
        dosed_on = anchors.d0.astimezone(zone).date()
        window = next((facts for facts in window_facts(episode, now) if facts.d0 == anchors.d0), None)
        if window is not None and window.booked_from is not None:
            who = f" with {window.with_whom}" if window.with_whom else ""
            integration = [
                snapshots.facts(
                    [("Your integration session", f"{local_time(window.booked_from, zone)}{who}")]
                )
            ]
        else:
            integration = [snapshots.prose("The time is not fixed yet. We will call you with it.")]
        integration.append(
            snapshots.prose(
                "Please come even if you feel fine, or if you would rather not: these days are when the work settles."
            )
        )
        numbers = [(label, number) for label, number in (
            ("The clinic, in office hours", clinic.phone),
            ("After hours", clinic.after_hours_phone),
            ("Suicide and crisis lifeline", "988, by call or text, day and night"),
        ) if number]  # fmt: skip
        warning = snapshots.notice("Call 911 at once for any of these: " + "; ".join(EMERGENCY_SIGNS) + ".")
        tomorrow = dosed_on + timedelta(days=1)
        admin = ConsentCategory.ADMINISTRATIVE
        whole = snapshots.snapshot(
            heading="For your way home",
            subheading=f"After your session on {day_label(dosed_on)}",
            letterhead=letterhead_of(clinic),
            patient=patient_block(episode.patient),
            sections=[
                snapshots.section("today", "Today and tonight", admin, [snapshots.items(AFTERCARE)]),
                # Before what can wait until tomorrow: it must not end up on a second page.
                snapshots.section("help", "Whom to ring", admin, [warning, snapshots.facts(numbers)]),
                snapshots.section(
                    "call",
                    "Tomorrow",
                    admin,
                    [
                        snapshots.prose(
                            f"We will call you on {day_label(tomorrow)} to ask how you are. Please keep your phone on."
                        )
                    ],
                ),
                snapshots.section("integration", "Integration", admin, integration),
            ],
        )
        # A sheet that is printed again days later asks for no call.
        is_recent = now.astimezone(zone).date() <= tomorrow
        if is_recent and not Task.objects.filter(key=_call_key(session)).exists():
            open_task(
                clinic=clinic,
                key=_call_key(session),
                kind="call-patient",
                title="Call the patient the day after the dose",
                role=Role.NURSE,
                episode=episode,
                due_at=datetime.combine(tomorrow, _CALL_BY, tzinfo=zone),
                actor=actor,
                now=now,
            )
        before = _sheet_of(session, day_label(dosed_on))
        return issue_document(
            clinic=clinic,
            kind=SHEET.key,
            subject_id=episode.pk,
            title=f"Instructions after {day_label(dosed_on)}",
            snapshot=whole,
            actor=actor,
            supersedes=before,
            now=now,
        )


def _call_key(session: DosingSession) -> str:
    return f"next-day-call:{session.pk}"


def _sheet_of(session: DosingSession, day: str) -> Document | None:
    """The newest sheet of the same dosing day."""
    found = documents_of(clinic=session.clinic, subject_id=session.episode_id, kind=SHEET.key).standing()
    return found.filter(title=f"Instructions after {day}", superseded_by__isnull=True).first()


def issue_closing_summary(*, episode: Episode, actor: User, now: datetime | None = None) -> Document:
    """What the episode was, what stays and what comes next; in the name of who closed it, whoever has it printed.

    Raises:
        Refused: the episode is still open.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        if episode.is_open:
            raise Refused(Reason("episode-open", "The summary is made when the episode is closed."))
        found = documents_of(clinic=episode.clinic, subject_id=episode.pk, kind=CLOSING.key).standing()
        before = found.filter(superseded_by__isnull=True).first()
        whole = _closing_snapshot(episode, version=before.version if before else 1)
        if before is not None and whole != before.snapshot:
            whole = _closing_snapshot(episode, version=before.version + 1)
        return issue_document(
            clinic=episode.clinic,
            kind=CLOSING.key,
            subject_id=episode.pk,
            title="Closing summary",
            snapshot=whole,
            actor=actor,
            supersedes=before,
            now=now,
        )


def _closing_snapshot(episode: Episode, *, version: int) -> dict[str, Any]:
    assert episode.closed_at is not None, "the database demands both of a closed episode"
    assert episode.closed_by is not None
    zone = episode.clinic.zone
    doses = [
        (str(dose.number), day_label(dose.on), dose.summary, dose.ending_words)
        for dose in doses_of_episode(episode)
    ]
    themes = [
        snapshots.prose(entry.themes, heading=day_label(entry.held_from.astimezone(zone).date()))
        for entry in integration_summary(episode, most=3)
        if entry.themes
    ]
    given = snapshots.table("Doses given", ("Dose", "On", "Given", "Left"), doses)
    parts = (
        ("insights", "Insights that stay", ConsentCategory.THEMES, _text(episode.closing_insights)),
        ("next", "Practical next steps", ConsentCategory.THEMES, _text(episode.closing_next_steps)),
        (
            "doses",
            "Doses",
            ConsentCategory.DOSE,
            [given if doses else snapshots.absent("No dose was given.")],
        ),
        (
            "integration",
            "Last integration sessions",
            ConsentCategory.THEMES,
            themes or [snapshots.absent("No themes of an integration session are recorded.")],
        ),
        ("safety", "Safety", ConsentCategory.SAFETY, record.safety_blocks(episode)),
        ("scores", "Outcome scores", ConsentCategory.SCORES, record.score_blocks(episode)),
    )
    return snapshots.snapshot(
        heading="Closing summary",
        subheading=f"Episode {episode.public_id}",
        letterhead=letterhead_of(episode.clinic),
        patient=patient_block(episode.patient),
        facts_on_top=[
            ("Indication", episode.get_indication_display()),
            ("Opened", day_label(episode.opened_at.astimezone(zone).date())),
            ("Closed", day_label(episode.closed_at.astimezone(zone).date())),
            ("Reason", episode.get_close_reason_display()),
        ],
        sections=[snapshots.section(*part) for part in parts],
        signature=signature_of(
            person=episode.closed_by,
            role=_role_of_closer(episode).label,
            at=episode.closed_at,
            zone=zone,
            version=version,
        ),
    )


def _role_of_closer(episode: Episode) -> Role:
    """As what somebody closed an episode; the role is kept where it ended since."""
    held = Membership.objects.filter(clinic=episode.clinic, user=episode.closed_by)
    return Role.PRESCRIBER if held.filter(role=Role.PRESCRIBER).exists() else Role.THERAPIST


def _text(text: str) -> list[snapshots.Block]:
    return [snapshots.prose(text)] if text.strip() else []
