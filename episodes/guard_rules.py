"""Guards that rest on the spine alone: consent and care team."""

from collections.abc import Iterator

from episodes import guards
from episodes.guards import GuardContext
from episodes.models import CareTeamMember, Consent, ConsentKind, TeamPart
from kapclinic.clinics.refusals import Reason


@guards.register("dose.order", "dose.start")
def treatment_consent_is_valid(context: GuardContext) -> Iterator[Reason]:
    """No dose without a signed, unexpired, unrevoked treatment consent (rule DAY-CONSENT-MISSING; absolute)."""
    day = context.now.astimezone(context.episode.clinic.zone).date()
    if not Consent.objects.valid_on(day).filter(episode=context.episode, kind=ConsentKind.TREATMENT).exists():
        yield Reason("consent-missing", "There is no signed, valid treatment consent.")


@guards.register("stage.start-preparation", "stage.start-treatment", "dose.order", "dose.start")
def care_team_is_complete(context: GuardContext) -> Iterator[Reason]:
    """Preparation and doses need a prescriber and a therapist on the team (no dose without an assigned therapist)."""
    parts = set(
        CareTeamMember.objects.in_force(context.now)
        .filter(episode=context.episode)
        .values_list("part", flat=True)
    )
    for part in (TeamPart.PRESCRIBER, TeamPart.THERAPIST):
        if part not in parts:
            yield Reason(f"no-{part}", f"The care team has no {part.label.lower()}.")


@guards.register("dose.plan", "dose.order", "dose.start", "appointment.book")
def episode_is_open(context: GuardContext) -> Iterator[Reason]:
    """Nothing new is planned in a closed episode."""
    if not context.episode.is_open:
        yield Reason("episode-closed", "The episode is closed.")
