"""Clinical flags of the banner: risk, findings, who takes the patient home."""

from datetime import datetime

from episodes.models import Episode
from episodes.readers import eyes_of
from kapclinic.accounts.policy import Actor
from kapclinic.desk.banner import Flag, flag_source
from kapclinic.desk.links import link
from screening.finding_selectors import BannerFinding, findings_summary
from screening.segments import withholdable
from sessions.models import PreparationSession

MOST_FINDINGS = 3


@flag_source
def risk_and_findings(episode: Episode, actor: Actor, now: datetime) -> list[Flag]:
    """The open suicide-risk assessment first, then absolute findings, then what waits for or has a prescriber's answer."""
    summary = findings_summary(episode)
    url = link("screening:overview", public_id=episode.public_id)
    flags = []
    if summary.open_risk is not None:
        flags.append(Flag("Suicide-risk assessment open", "red", url))
    flags += [
        Flag(f"Absolute: {_name(finding, episode, actor, now)}", "red", url)
        for finding in summary.absolute[:MOST_FINDINGS]
    ]
    if len(summary.absolute) > MOST_FINDINGS:
        flags.append(Flag(f"{len(summary.absolute) - MOST_FINDINGS} more absolute findings", "red", url))
    if summary.unanswered:
        count = len(summary.unanswered)
        flags.append(Flag(f"{count} finding{'s' if count != 1 else ''} to answer", "amber", url))
    flags += [
        Flag(f"{_name(finding, episode, actor, now)}: accepted", "neutral", url)
        for finding in summary.accepted[:MOST_FINDINGS]
    ]
    return flags


def _name(finding: BannerFinding, episode: Episode, actor: Actor, now: datetime) -> str:
    """The finding in words, or that it is withheld; the consents are asked only for one that they can withhold."""
    category = withholdable(finding.code)
    if category and not eyes_of(actor, episode, now=now).reads(category):
        return "a finding that is withheld"
    return finding.label


@flag_source
def escort(episode: Episode, actor: Actor, now: datetime) -> list[Flag]:
    """Who was named to take the patient home, latest preparation first."""
    if not episode.is_open:
        return []
    named = (
        PreparationSession.objects.standing()
        .filter(episode=episode)
        .exclude(escort_name="")
        .order_by("-held_from")
        .values_list("escort_name", "escort_relation")
        .first()
    )
    if named is None:
        return []
    name, relation = named
    return [Flag(f"Escort: {name}{', ' + relation if relation else ''}", "neutral")]
