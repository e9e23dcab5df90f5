"""axe finds nothing on any page that a role can reach by links, in light and dim, and no page scrolls sideways on a tablet."""

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import Resolver404, resolve
from django.utils import timezone
from playwright.sync_api import Page

from episodes.models import Allergy, Episode
from episodes.stages import Stage
from kapclinic.accounts.models import Role
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import open_task
from sessions.models import Administration, DosingSession, SessionState, VitalsReading
from tests import factories
from tests.live import LiveClinic

pytestmark = pytest.mark.timeout(900)

# Files and feeds: nothing to look at in a page.
_NOT_PAGES = {"outcomes:export-csv", "livez", "readyz", "healthz"}
_MOST_PAGES = 60


@pytest.fixture(scope="module")
def emails() -> dict[Role, str]:
    """Sign-ins by role, filled when the situation is made."""
    return {}


@pytest.fixture
def busy_clinic(live_clinic: LiveClinic, emails: dict[Role, str]) -> dict[Role, str]:
    """A made-up clinic with one patient in treatment, a dose given an hour ago, and work for everybody."""
    if emails:
        return emails
    clinic = factories.make_clinic(is_demo=True)
    people = {role: factories.make_member(clinic, role) for role in Role}
    patient = factories.make_patient(clinic, people[Role.COORDINATOR], pronouns="she/her")
    episode = factories.make_episode(
        patient,
        prescriber=people[Role.PRESCRIBER],
        therapist=people[Role.THERAPIST],
        nurse=people[Role.NURSE],
        stage=Stage.TREATMENT,
    )
    factories.make_treatment_consent(episode, people[Role.COORDINATOR])
    Allergy.objects.create(clinic=clinic, patient=patient, substance="latex", created_by=people[Role.NURSE])
    _dose(episode, people[Role.NURSE])
    for role in (Role.THERAPIST, Role.COORDINATOR):
        open_task(
            clinic=clinic,
            key=f"{role}",
            kind="k",
            title="Ring back",
            role=role,
            episode=episode,
            urgency=Urgency.NOW,
        )
    emails.update({role: person.email for role, person in people.items()})
    return emails


def _dose(episode: Episode, nurse) -> None:
    began = timezone.now() - timedelta(hours=1)
    session = DosingSession.objects.create(
        clinic=episode.clinic,
        episode=episode,
        planned_at=began,
        planned_until=began + timedelta(hours=2),
        state=SessionState.UNDER_WAY,
        created_by=nurse,
    )
    Administration.objects.create(
        clinic=episode.clinic,
        session=session,
        drug="ketamine",
        route="im",
        amount_mg=Decimal(50),
        started_at=began,
        ended_at=began,
        given_by=nurse,
        created_by=nurse,
    )
    VitalsReading.objects.create(
        clinic=episode.clinic,
        session=session,
        taken_at=began + timedelta(minutes=15),
        systolic=138,
        diastolic=84,
        heart_rate=80,
        spo2=97,
        taken_by=nurse,
        created_by=nurse,
    )


def _sign_in(page: Page, email: str) -> None:
    page.goto("/account/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", factories.PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/")


def _complaints(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def _view_of(url: str) -> str:
    try:
        return resolve(urlsplit(url).path).view_name
    except Resolver404:
        return ""


def _pages(page: Page, seen: set[str]) -> list[str]:
    """Addresses of pages that were not seen yet, found by following links from Today."""
    waiting, found = deque([page.url]), []
    asked: set[str] = set()
    while waiting and len(found) < _MOST_PAGES:
        url = waiting.popleft()
        view = _view_of(url)
        if not view or view in asked or view in _NOT_PAGES:
            continue
        asked.add(view)
        answer = page.goto(url)
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            continue
        assert answer.status == 200, f"{url}: {answer.status}"
        if view == "desk:today" or view not in seen:
            found.append(url)
        seen.add(view)
        waiting.extend(
            page.eval_on_selector_all("a[href]:not([download])", "links => links.map(link => link.href)")
        )
    return found


@pytest.mark.parametrize("role", list(Role))
def test_no_page_has_a_barrier(
    role: Role, busy_clinic: dict[Role, str], new_page: Callable[[], Page], seen_views: set[str]
) -> None:
    page = new_page()
    _sign_in(page, busy_clinic[role])
    complaints: list[str] = []
    for url in _pages(page, seen_views):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(url)
        complaints += [f"{_view_of(url)}: {each}" for each in _complaints(page)]
        page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
        complaints += [f"{_view_of(url)}, dim: {each}" for each in _complaints(page)]
        for width in (768, 320):
            page.set_viewport_size({"width": width, "height": 1024})
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                complaints.append(f"{_view_of(url)} scrolls sideways at {width} px")
    assert not complaints, "\n".join(complaints)


@pytest.fixture(scope="module")
def seen_views() -> set[str]:
    """Views that some role's walk has looked at already."""
    return set()


def test_sign_in_page_has_no_barrier(busy_clinic: dict[Role, str], page: Page) -> None:
    page.goto("/account/login/")
    assert _complaints(page) == []
    assert page.goto("/no-such-page/").status == 404
    assert _complaints(page) == []
