"""The card of integration windows: soonest to close first, and those that closed without a word about it."""

from datetime import datetime, timedelta

from django.db.models import Q

from integration.models import IntegrationNeed
from kapclinic.accounts.models import Role
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk import windows
from kapclinic.desk.links import link
from kapclinic.desk.today.registry import MOST_ROWS, Card, Place, Row, card

MISSED_SHOWN_FOR = timedelta(days=7)
"""A window that closed unmet stays on Today this long, until somebody records why (POLICY)."""


@card(
    key="windows",
    action="desk.today",
    roles=(Role.COORDINATOR, Role.NURSE, Role.THERAPIST, Role.PRESCRIBER),
    place=Place.MAIN,
    order=20,
    is_live=True,
)
def closing_windows(actor: Actor, now: datetime) -> Card:
    """Windows of the doses that were given. Two queries."""
    needs = list(
        windows.open_windows(actor).filter(
            Q(t0__isnull=True)
            | Q(closes_at__gte=now)
            | Q(closes_at__gte=now - MISSED_SHOWN_FOR, miss_reason="")
        )[: MOST_ROWS + 1]
    )
    who = windows.therapists_of(needs)
    rows = tuple(_row(need, who.get(need.appointment_id, ""), actor, now) for need in needs[:MOST_ROWS])
    may_see_all, is_cut = can(actor, "integration.unplaced"), len(needs) > MOST_ROWS
    return Card(
        title="Windows, soonest to close first",
        rows=rows,
        summary=f"times in {now.astimezone(actor.zone):%Z}" if rows else "",
        empty="No window is open.",
        empty_hint="One opens with every dose that is given.",
        more_words="All windows" if may_see_all else f"The first {MOST_ROWS} are shown." if is_cut else "",
        more_url=link("integration:waiting") if may_see_all else "",
    )


def _row(need: IntegrationNeed, who: str, actor: Actor, now: datetime) -> Row:
    bar = windows.bar_of(need, who, secondary=None, actor=actor, now=now)
    is_clinical = can(actor, "chart.view")
    reasons = " ".join(need.unplaced_reasons)
    return Row(
        who=need.episode.patient.display_name,
        url=link(
            "desk:chart" if is_clinical else "episodes:episode-detail", public_id=need.episode.public_id
        ),
        line=bar.headline,
        bar=bar,
        pill=bar.pill,
        tone=bar.tone,
        note=who if bar.booking is not None else reasons,
        button="Open" if can(actor, "integration.plan") else "",
        button_url=link("integration:need-detail", pk=need.pk),
    )
