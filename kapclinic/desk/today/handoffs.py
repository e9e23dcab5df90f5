"""Cards of what prescriber and therapist owe each other, and of notes that nobody signed yet."""

from datetime import datetime

from episodes.access import episodes_for
from episodes.models import Episode
from integration.models import IntegrationSession
from kapclinic.accounts.models import Role
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk.links import link
from kapclinic.desk.today.registry import MOST_ROWS, Card, Place, Row, card
from kapclinic.documents.notes import NoteState
from kapclinic.handoffs.models import Handoff
from kapclinic.handoffs.selectors import Owed, clinic_status, to_read, to_write
from sessions.models import PreparationSession


@card(
    key="handoffs",
    action="handoff.list",
    roles=(Role.COORDINATOR, Role.THERAPIST, Role.PRESCRIBER),
    place=Place.MAIN,
    order=30,
)
def owed_handoffs(actor: Actor, now: datetime) -> Card:
    """Handoffs to write and to read; for a coordinator those that are late. A fixed number of queries."""
    if can(actor, "handoff.acknowledge"):
        rows = [_write_row(owed, actor, now) for owed in to_write(actor, now)]
        rows += [_read_row(handoff, actor) for handoff in to_read(actor)]
    else:
        owed, unread = clinic_status(actor, now)
        rows = [_status_row(each, actor) for each in owed if each.due_at < now]
        rows += [_unread_row(handoff, actor) for handoff in unread]
    return Card(
        title="Handoffs",
        rows=tuple(rows[:_SHOWN]),
        summary=f"{len(rows)} waiting" if len(rows) > _SHOWN else "",
        empty="No handoff is owed.",
        empty_hint="One is due before and after every dose.",
        more_url=link("handoffs:list") if len(rows) > _SHOWN else "",
        more_words="All handoffs" if len(rows) > _SHOWN else "",
    )


# The handoffs have a page of their own; Today shows the ones that are due first.
_SHOWN = 6


def _when(at: datetime | None, actor: Actor) -> str:
    if at is None:
        return ""
    local = at.astimezone(actor.zone)
    return f"{local:%a} {local.day} {local:%b} {local:%H:%M}"


def _write_row(owed: Owed, actor: Actor, now: datetime) -> Row:
    is_late = owed.due_at < now
    return Row(
        who=owed.episode.patient.display_name,
        url=link("desk:chart", public_id=owed.episode.public_id),
        line=f"Write: {owed.words[:1].lower()}{owed.words[1:]}",
        pill=f"{'was due' if is_late else 'due'} {_when(owed.due_at, actor)}",
        tone="red" if is_late else "amber",
        button="Go on" if owed.draft is not None else "Write",
        button_url=owed.write_url,
        is_primary=is_late,
    )


def _read_row(handoff: Handoff, actor: Actor) -> Row:
    return Row(
        who=handoff.episode.patient.display_name,
        url=link("desk:chart", public_id=handoff.episode.public_id),
        line=f"Read: from {handoff.signed_by}",
        pill=f"signed {_when(handoff.signed_at, actor)}",
        tone="amber",
        button="Read",
        button_url=link("handoffs:detail", pk=handoff.pk),
    )


def _status_row(owed: Owed, actor: Actor) -> Row:
    return Row(
        who=owed.episode.patient.display_name,
        url=link("episodes:episode-detail", public_id=owed.episode.public_id),
        line=owed.kind.label,
        pill=f"not written, was due {_when(owed.due_at, actor)}",
        tone="red",
    )


def _unread_row(handoff: Handoff, actor: Actor) -> Row:
    return Row(
        who=handoff.episode.patient.display_name,
        url=link("episodes:episode-detail", public_id=handoff.episode.public_id),
        line=handoff.get_kind_display(),
        pill=f"not read since {_when(handoff.signed_at, actor)}",
        tone="amber",
    )


@card(
    key="unsigned",
    action="chart.view",
    roles=(Role.THERAPIST, Role.PRESCRIBER),
    place=Place.ASIDE,
    order=30,
)
def unsigned_notes(actor: Actor, now: datetime) -> Card:
    """Drafts of notes that the person began. Two queries."""
    within_reach = Episode.objects.filter(episodes_for(actor, "chart.view"))
    rows: list[tuple[datetime, Row]] = []
    for model, name, address in (
        (PreparationSession, "Preparation note", "dosing:preparation-detail"),
        (IntegrationSession, "Integration note", "integration:session-detail"),
    ):
        drafts = (
            model.objects.standing()
            .filter(state=NoteState.DRAFT, created_by=actor.user, episode__in=within_reach)
            .select_related("episode__patient")
            .order_by("held_from")[:MOST_ROWS]
        )
        for draft in drafts:
            local = draft.held_from.astimezone(actor.zone)
            row = Row(
                who=name,
                url=link(address, pk=draft.pk),
                line=draft.episode.patient.display_name,
                pill=f"of {local.day} {local:%b}",
                tone="amber",
            )
            rows.append((draft.held_from, row))
    return Card(
        title="Not signed yet",
        rows=tuple(row for _, row in sorted(rows, key=lambda pair: pair[0])[:MOST_ROWS]),
    )
