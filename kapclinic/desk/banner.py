"""What stands above every page of a patient: who it is, what is dangerous, where they are, what blocks the next step."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from episodes import guards
from episodes.guards import GuardContext
from episodes.models import Allergy, CareTeamMember, Consent, ConsentKind, Episode, EpisodeEvent, TeamPart
from episodes.services.watching import ending_consents, last_day_to_warn
from episodes.sharing import MOST_WARN_DAYS
from episodes.stages import EDGES, JOURNEY, Stage
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk.links import link
from kapclinic.handoffs.team_selectors import unread_messages

CONSENT_WARNING = timedelta(days=14)
"""A treatment consent that expires within this time is named as such (POLICY)."""

MOST_ALLERGIES = 4

_PARTS_SHOWN = (TeamPart.PRESCRIBER, TeamPart.THERAPIST)


@dataclass(frozen=True)
class Flag:
    """One pill of the banner: words, colour word, and where it leads."""

    words: str
    tone: str
    url: str = ""


FlagSource = Callable[[Episode, Actor, datetime], list[Flag]]
_sources: list[FlagSource] = []


def flag_source(source: FlagSource) -> FlagSource:
    """Register a further source of clinical flags (findings, risk, escort); each costs a fixed number of queries."""
    if source not in _sources:
        _sources.append(source)
    return source


@dataclass(frozen=True)
class Banner:
    """The banner as drawn. A person without clinical rights gets name, contact, team and consents alone."""

    name: str
    pronouns: str
    born: date
    age: int
    public_id: str
    url: str
    flags: list[Flag]
    team: list[str]
    emergency: str
    is_demo: bool


def build_banner(episode: Episode, actor: Actor, *, now: datetime) -> Banner:
    """The banner of the episode's patient for this actor."""
    patient = episode.patient
    today = now.astimezone(actor.zone).date()
    flags: list[Flag] = []
    if can(actor, "chart.view", episode):
        flags += _allergies(episode)
        for source in _sources:
            flags += source(episode, actor, now)
    flags += _consents(episode, today, now, is_open=can(actor, "consent.record", episode))
    # A telephone number stays on one line.
    telephone = patient.emergency_phone.replace(" ", "\N{NO-BREAK SPACE}")
    emergency = " · ".join(
        part for part in (patient.emergency_name, patient.emergency_relation, telephone) if part
    )
    return Banner(
        name=patient.display_name,
        pronouns=patient.pronouns,
        born=patient.date_of_birth,
        age=patient.age_on(today),
        public_id=patient.public_id,
        url=link("episodes:patient-detail", public_id=patient.public_id)
        if can(actor, "patient.view", patient)
        else "",
        flags=flags,
        team=_team(episode, now),
        emergency=emergency,
        is_demo=patient.is_demo,
    )


def _allergies(episode: Episode) -> list[Flag]:
    found = list(
        Allergy.objects.standing().filter(patient=episode.patient_id, resolved_on__isnull=True)[
            : MOST_ALLERGIES + 1
        ]
    )
    if not found:
        return [Flag("No allergy recorded", "neutral")]
    flags = [
        Flag(f"{allergy.get_kind_display()}: {allergy.substance}", "red")
        for allergy in found[:MOST_ALLERGIES]
    ]
    if len(found) > MOST_ALLERGIES:
        flags.append(
            Flag(
                "More allergies on the patient's page",
                "red",
                link("episodes:patient-detail", public_id=episode.patient.public_id),
            )
        )
    return flags


def _consents(episode: Episode, today: date, now: datetime, *, is_open: bool) -> list[Flag]:
    url = link("episodes:consents", public_id=episode.public_id) if is_open else ""
    valid = list(Consent.objects.valid_on(today).filter(episode=episode))
    treatment = [consent for consent in valid if consent.kind == ConsentKind.TREATMENT]
    flags = []
    if not treatment:
        closed = episode.stage == Stage.CLOSED
        flags.append(Flag("No valid treatment consent", "neutral" if closed else "red", url))
    else:
        # An open-ended consent outlasts every dated one.
        ends = [consent.expires_on for consent in treatment if consent.expires_on is not None]
        last = max(ends) if len(ends) == len(treatment) else None
        if last is not None and last <= today + CONSENT_WARNING:
            flags.append(Flag(f"Treatment consent ends {last.day} {last:%b}", "amber", url))
        else:
            flags.append(Flag("Treatment consent in force", "green", url))
    sharing = [consent for consent in valid if consent.kind == ConsentKind.SHARING]
    if not sharing:
        flags.append(Flag("No sharing consent", "neutral", url))
    # The clinic's setting is asked for only where an end is near at all.
    near = today + timedelta(days=MOST_WARN_DAYS)
    if any(consent.expires_on is not None and consent.expires_on <= near for consent in sharing):
        until = last_day_to_warn(episode.clinic, now=now)
        for consent in ending_consents(sharing, episode.clinic, now=now, until=until):
            assert consent.expires_on is not None, "an ending consent has a last day"
            flags.append(
                Flag(f"Sharing consent ends {consent.expires_on.day} {consent.expires_on:%b}", "amber", url)
            )
    return flags


def _team(episode: Episode, now: datetime) -> list[str]:
    rows = (
        CareTeamMember.objects.in_force(now)
        .filter(episode=episode, part__in=_PARTS_SHOWN)
        .select_related("user", "outside")
        .order_by("part")
    )
    return list(dict.fromkeys(str(row.user or row.outside) for row in rows))


@dataclass(frozen=True)
class Step:
    """One stage of the journey bar. `state` is done, now or later."""

    label: str
    state: str
    line: str


@dataclass(frozen=True)
class Journey:
    """The stages with their dates, and what blocks the next one."""

    steps: list[Step]
    next_label: str
    blocks: list[str]


_LABELS = {Stage.REFERRED: "Referral", Stage.CLOSED: "Closing"}


def build_journey(episode: Episode, actor: Actor, *, now: datetime) -> Journey:
    """Where the episode is on its way, and every reason that stands before the next step."""
    entered = _entered(episode)
    here = JOURNEY.index(Stage(episode.stage))
    steps = []
    for place, stage in enumerate(JOURNEY):
        at = entered.get(stage)
        line = ""
        if at is not None and place <= here:
            local = at.astimezone(actor.zone)
            line = f"{'since' if place == here else 'from'} {local.day} {local:%b %Y}"
        if stage == Stage.CLOSED and episode.stage == Stage.CLOSED:
            line = episode.get_close_reason_display()
        state = "now" if place == here else "done" if place < here else "later"
        steps.append(
            Step(_LABELS.get(stage, stage.label), state, line or ("not yet" if place > here else ""))
        )
    target = _next(episode)
    blocks: list[str] = []
    if target is not None and can(actor, "chart.view", episode):
        edge = EDGES[(Stage(episode.stage), target)]
        context = GuardContext(action=edge.action, episode=episode, now=now, actor_roles=actor.roles)
        blocks = [reason.text for reason in guards.reasons(context)]
    return Journey(steps, _LABELS.get(target, target.label).lower() if target is not None else "", blocks)


def _entered(episode: Episode) -> dict[str, datetime]:
    """When each stage was last entered, from the log. One query."""
    entered: dict[str, datetime] = {Stage.REFERRED: episode.opened_at}
    moves = EpisodeEvent.objects.filter(episode=episode, kind="stage.moved").order_by("at", "created_at")
    for move in moves.values_list("data", "at"):
        data, at = move
        entered[data.get("to", "")] = at
    entered[episode.stage] = episode.stage_since
    return entered


def _next(episode: Episode) -> Stage | None:
    """The stage that the way leads to, closing and going back apart."""
    here = JOURNEY.index(Stage(episode.stage))
    for stage in JOURNEY[here + 1 :]:
        if stage != Stage.CLOSED and (Stage(episode.stage), stage) in EDGES:
            return stage
    return None


@dataclass(frozen=True)
class Tab:
    """One page of the episode."""

    label: str
    url: str
    is_here: bool
    unread: int = 0


_MESSAGES = "handoffs:messages"
# What is disclosed rests on the consents, and stands behind their page.
_OF_CONSENTS = ("episodes:consent", "episodes:disclosure", "episodes:give-out", "episodes:emergency")
# Label, page, right to it, and how the names of the addresses behind it begin: the longest fit says where one is.
_TABS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("Chart", "desk:chart", "chart.view", ("desk:",)),
    ("Episode", "episodes:episode-detail", "episode.view", ("episodes:",)),
    ("Screening", "screening:overview", "screening.view", ("screening:",)),
    ("Preparation", "dosing:preparation-list", "preparation.read", ("dosing:preparation",)),
    ("Doses", "dosing:session-list", "dose.view", ("dosing:",)),
    ("Course", "integration:course-ask", "integration.plan", ("integration:course",)),
    ("Integration", "integration:overview", "integration.read", ("integration:",)),
    ("Process notes", "process_notes:of-episode", "process-note.write", ("process_notes:",)),
    ("Handoffs", "handoffs:of-episode", "handoff.read", ("handoffs:",)),
    ("Messages", _MESSAGES, "message.list", ("handoffs:messages",)),
    ("Team", "episodes:team", "episode.edit-team", ("episodes:team",)),
    ("Consents", "episodes:consents", "episode.view", _OF_CONSENTS),
)


def tabs_of(episode: Episode, actor: Actor, *, view_name: str) -> list[Tab]:
    """The pages of the episode that the actor may open, the one they are on marked."""
    open_ones = [tab for tab in _TABS if can(actor, tab[2], episode)]
    fits = [begin for *_, begins in open_ones for begin in begins if view_name.startswith(begin)]
    here = max(fits, key=len, default="")
    return [
        Tab(
            label,
            link(name, public_id=episode.public_id),
            here in begins,
            unread_messages(actor, episode) if name == _MESSAGES else 0,
        )
        for label, name, _, begins in open_ones
    ]
