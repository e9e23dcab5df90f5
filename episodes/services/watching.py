"""Sharing consents that come to their end: said some days before, so that the patient can be asked in time."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from django.urls import reverse

from episodes.models import Consent, ConsentKind, Episode
from episodes.readers import grant_of
from episodes.sharing import SHARING_WARN_DAYS, carries_on
from kapclinic.accounts.models import Role
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import setting
from kapclinic.documents.charts import day_label
from kapclinic.notices.models import Task
from kapclinic.notices.services import close_tasks, open_task

ENDS_TASK = "sharing-consent-ends"


def ending_consents(
    consents: Iterable[Consent], clinic: Clinic, *, now: datetime, until: date
) -> list[Consent]:
    """Those of the consents of one episode that share something now, end by the day `until`, and that no other carries on."""
    grants = {
        consent.pk: grant_of(consent, clinic)
        for consent in consents
        if consent.kind == ConsentKind.SHARING and not consent.is_struck
    }
    return [
        consent
        for consent in consents
        if consent.pk in grants
        and consent.expires_on is not None
        and consent.expires_on <= until
        and grants[consent.pk].holds(now)
        and not any(carries_on(other, grants[consent.pk], now=now) for other in grants.values())
    ]


def last_day_to_warn(clinic: Clinic, *, now: datetime) -> date:
    """A sharing consent that ends on this day or before is named as ending (clinic setting)."""
    days: int = setting(clinic, SHARING_WARN_DAYS)
    return now.astimezone(clinic.zone).date() + timedelta(days=days)


def watch_sharing_consents(*, clinic: Clinic, now: datetime) -> None:
    """A task for the coordinator for each sharing consent of an open episode that ends soon, once for each consent.

    A task whose consent was revoked, struck or carried on, or whose episode was closed, is withdrawn. One that nobody
    answered stays when the consent has ended; one that a person has ticked off does not come again. Four queries, and one
    task written for each.
    """
    episodes = {episode.pk: episode for episode in Episode.objects.standing().open().filter(clinic=clinic)}
    by_episode: dict[UUID, list[Consent]] = defaultdict(list)
    found = Consent.objects.standing().filter(
        episode__in=episodes, kind=ConsentKind.SHARING, revoked_at__isnull=True
    )
    for consent in found:
        by_episode[consent.episode_id].append(consent)
    until = last_day_to_warn(clinic, now=now)
    ending: list[Consent] = []
    unanswered: set[str] = set()
    for consents in by_episode.values():
        ending += ending_consents(consents, clinic, now=now, until=until)
        grants = {consent.pk: grant_of(consent, clinic) for consent in consents}
        unanswered |= {
            _key(consent)
            for consent in consents
            if now >= grants[consent.pk].ends_at
            and not any(carries_on(other, grants[consent.pk], now=now) for other in grants.values())
        }
    tasks = {task.key: task for task in Task.objects.filter(clinic=clinic, kind=ENDS_TASK)}
    wanted = unanswered | {_key(consent) for consent in ending}
    close_tasks(keys=[key for key in tasks if key not in wanted], outcome="Nothing ends any more", now=now)
    for consent in ending:
        key = _key(consent)
        if key in tasks and tasks[key].done_at is not None:
            continue
        assert consent.expires_on is not None, "an ending consent has a last day"
        open_task(
            clinic=clinic,
            key=key,
            kind=ENDS_TASK,
            title=f"A sharing consent ends on {day_label(consent.expires_on)}",
            detail="Ask the patient whether it goes on. Afterwards what it covers is withheld.",
            role=Role.COORDINATOR,
            episode=episodes[consent.episode_id],
            due_at=grant_of(consent, clinic).ends_at,
            url=reverse("episodes:consents", args=[episodes[consent.episode_id].public_id]),
            now=now,
        )


def _key(consent: Consent) -> str:
    return f"{ENDS_TASK}:{consent.pk}"
