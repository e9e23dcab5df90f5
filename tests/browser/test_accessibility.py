"""axe finds nothing on any page, in light and in dim-room mode, and no page scrolls sideways on a tablet or at 400 % zoom.

Every address that answers with a page is opened in Chromium as a person with the right to it, with the objects of
tests/url_arguments.py behind its arguments. Chromium gets the pages straight from the views, out of one transaction that is
never committed: processes of a live clinic would cost minutes and show nothing else.
"""

import logging
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.plugin import DjangoDbBlocker

from kapclinic.accounts.models import Role
from kapclinic.accounts.policy import TABLE
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import open_task
from tests import factories
from tests.sessions.situations import Room, make_room
from tests.url_arguments import Situation
from tests.walk import ADDRESSES, Address, World, ask, standing_world, url_of

_ORIGIN = "http://clinic.test"
# Each role sees a page of its own there.
_BY_ROLE = {"desk:today", "desk:patients", "desk:chart", "episodes:episode-detail", "scheduling:calendar"}
_AFTER_A_DOSE = {
    "desk:chart",
    "dosing:session-list",
    "episodes:episode-detail",
    "handoffs:of-episode",
    "integration:overview",
}
# A tablet upright, and 1280 px at a zoom of 400 %.
_NARROW = (768, 320)
# A target of 24 px is WCAG 2.2's, which axe leaves out unless it is told.
_ALL_RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
_AXE = """async options => (await axe.run(document, options)).violations.flatMap(rule => rule.nodes.map(
    node => `${rule.id}: ${node.html.slice(0, 200)} (${node.any.map(check => check.message).join("; ")})`))"""

# One thing to press first: in a card, and at the head of a page.
_CROWDED = """() => [...document.querySelectorAll(".card, .page-actions")]
    .filter(part => part.querySelectorAll(".btn-primary").length > 1)
    .map(part => `more than one main button: ${part.innerText.slice(0, 80)}`)"""


@dataclass
class Viewer:
    """Chromium with one page, which gets what the views answered."""

    page: Page
    # Pages that were asked for, by path.
    opened: dict[str, HttpResponse] = field(default_factory=dict)

    def give(self, route: Route) -> None:
        """Answer a request of the page: a file of the program, or what its view says."""
        path = urlsplit(route.request.url).path
        if path.startswith(settings.STATIC_URL):
            file = finders.find(unquote(path.removeprefix(settings.STATIC_URL)))
            if not file:
                route.fulfill(status=HTTPStatus.NOT_FOUND)
                return
            kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
            route.fulfill(body=Path(file).read_bytes(), content_type=kind)
            return
        answer = self.opened.get(path)
        if answer is None:
            # A draft that a form asks for: there is none.
            route.fulfill(status=HTTPStatus.NO_CONTENT)
            return
        route.fulfill(status=answer.status_code, body=answer.content, headers=dict(answer.headers))

    def complaints(self, url: str, answer: HttpResponse) -> list[str]:
        """What axe and a ruler find wrong with this page."""
        page = self.page
        self.opened = {urlsplit(url).path: answer}
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{_ORIGIN}{url}")
        page.evaluate(AXE_SCRIPT)
        found = page.evaluate(_AXE, _ALL_RULES)
        found += page.evaluate(_CROWDED)
        page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
        found += [
            f"dim: {each}"
            for each in page.evaluate(_AXE, {"runOnly": ["color-contrast"], "resultTypes": ["violations"]})
        ]
        for width in _NARROW:
            page.set_viewport_size({"width": width, "height": 1024})
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                found.append(f"scrolls sideways at {width} px")
        return [f"{url}: {each}" for each in found]


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[Viewer]:
    """The browser of the walk; nothing moves in it, for colours are measured."""
    context = browser.new_context(reduced_motion="reduce")
    viewer = Viewer(context.new_page())
    context.route("**/*", viewer.give)
    yield viewer
    context.close()


@pytest.fixture(scope="module")
def made_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The world of all addresses, made once."""
    logging.disable(logging.WARNING)
    with standing_world(django_db_blocker) as made:
        yield made
    logging.disable(logging.NOTSET)


@pytest.fixture
def world(made_world: World) -> Iterator[World]:
    """The world as it was made; what the test changes is taken back."""
    with transaction.atomic():
        yield made_world
        transaction.set_rollback(True)


def _is_page(answer: HttpResponse) -> bool:
    return (
        answer.status_code == HTTPStatus.OK
        and "text/html" in answer.headers.get("Content-Type", "")
        and b"<html" in answer.content
    )


def _urls(address: Address, situation: Situation) -> list[str]:
    """The address about the objects of the walk; pages on which a dose shows about a patient after one, too."""
    urls = [url_of(address, situation)]
    if address.name in _AFTER_A_DOSE:
        urls.append(reverse(address.name, kwargs={"public_id": situation.dosing_room.episode.public_id}))
    return urls


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address.name)
def test_page_has_no_barrier(address: Address, world: World, viewer: Viewer) -> None:
    complaints: list[str] = []
    team = world.situation.team
    roles = [role for role in team if address.action is None or TABLE[address.action].get(role)]
    urls = _urls(address, world.situation)
    for url in urls:
        for role in roles:
            answer = ask("GET", url, world.signed_in[team[role].pk])
            if _is_page(answer):
                complaints += viewer.complaints(url, answer)
                if address.name not in _BY_ROLE or url != urls[0]:
                    break
    assert not complaints, "\n".join(complaints)


def test_paper_shows_tables_and_no_buttons(world: World, viewer: Viewer) -> None:
    url = reverse("desk:chart", kwargs={"public_id": world.situation.dosing_room.episode.public_id})
    prescriber = world.situation.team[Role.PRESCRIBER]
    viewer.opened = {url: ask("GET", url, world.signed_in[prescriber.pk])}
    page = viewer.page
    page.goto(f"{_ORIGIN}{url}")
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    expect(page.locator("details table").first).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator("details table").first).to_be_visible()
    expect(page.locator(".btn:visible, .rail:visible, input:visible")).to_have_count(0)
    page.emulate_media(media="screen")


def _dose_today(situation: Situation) -> Room:
    """An infusion that runs, and a task for everybody: a full Today."""
    team = situation.team
    patient = factories.make_patient(
        situation.clinic, situation.coordinator, given_name="Uma", pronouns="she/her"
    )
    room = make_room(situation.clinic, patient, team[Role.NURSE], team[Role.THERAPIST], team[Role.PRESCRIBER])
    room.start = timezone.now() - timedelta(minutes=75)
    room.ready()
    room.begin(10)
    room.vitals(25, systolic=152)
    for role in Role:
        open_task(
            clinic=situation.clinic, key=f"walk:{role}", kind="walk", title="Ring back", role=role, episode=room.episode,
            urgency=Urgency.NOW,
        )  # fmt: skip
    return room


def test_busy_day_has_no_barrier(world: World, viewer: Viewer) -> None:
    room = _dose_today(world.situation)
    on_session = {"pk": room.session.pk}
    urls = [
        reverse("desk:today"),
        reverse("notices:inbox"),
        reverse("dosing:duty-list"),
        reverse("desk:chart", kwargs={"public_id": room.episode.public_id}),
        *(
            reverse(f"dosing:{page}", kwargs=on_session)
            for page in ("session-detail", "vitals", "leaving-check", "ending")
        ),
    ]
    complaints: list[str] = []
    for url in urls:
        for role in Role if url == reverse("desk:today") else (Role.NURSE,):
            session = world.signed_in[world.situation.team[role].pk]
            answer = ask("GET", url, session)
            assert _is_page(answer), f"{url}: {answer.status_code}"
            complaints += viewer.complaints(url, answer)
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("path", ["/account/login/", "/account/password/reset/", "/no-such-page/"])
def test_page_for_strangers_has_no_barrier(path: str, world: World, viewer: Viewer) -> None:
    complaints = viewer.complaints(path, ask("GET", path))
    assert not complaints, "\n".join(complaints)
