"""The frame around every page, in a browser: search, drafts, the lock, dim-room mode, keys."""

import re

import pytest
from playwright.sync_api import Page, expect

from kapclinic.accounts.models import Role, User
from kapclinic.desk.models import Draft
from tests import factories
from tests.integration.situations import need_of_new_dose
from tests.live import LiveClinic

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def coordinator_at_work(live_clinic: LiveClinic, page: Page) -> User:
    """A coordinator who has signed in, at a clinic with one patient."""
    clinic = factories.make_clinic()
    person = factories.make_member(clinic, Role.COORDINATOR)
    factories.make_patient(clinic, person)
    page.goto("/account/login/")
    page.fill("input[name=login]", person.email)
    page.fill("input[name=password]", factories.PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/")
    return person


def test_patient_is_found_by_keyboard_and_the_words_stand_in_no_address(
    coordinator_at_work: User, page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("/")
    page.keyboard.type("mei")
    expect(page.locator("#search-results a")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#search-results a")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/patients/KC-*/")
    assert not any("mei" in url.lower() for url in asked)


def test_window_bars_are_drawn_anew_while_the_page_is_open(
    coordinator_at_work: User, live_clinic: LiveClinic, page: Page
) -> None:
    clinic = coordinator_at_work.memberships.get().clinic
    people = {
        role: factories.make_member(clinic, role) for role in (Role.NURSE, Role.THERAPIST, Role.PRESCRIBER)
    }
    page.clock.install()
    page.goto("/")
    windows = page.locator("section[aria-labelledby=card-windows]")
    expect(windows).to_contain_text("No window is open.")
    need_of_new_dose(clinic, people, "Windowed")
    page.clock.fast_forward("01:01")
    expect(windows).to_contain_text("Windowed")
    expect(windows.locator("svg.window-bar")).to_have_attribute("aria-label", re.compile("Dose ended"))
    # A part that the keyboard is in is not taken away from under it.
    windows.get_by_role("link", name="Windowed, Mei", exact=True).focus()
    page.clock.fast_forward("01:01")
    page.wait_for_load_state("networkidle")
    expect(windows.get_by_role("link", name="Windowed, Mei", exact=True)).to_be_focused()


def test_dim_room_mode_stays_when_the_next_page_is_opened(coordinator_at_work: User, page: Page) -> None:
    page.get_by_role("button", name="Dim-room mode").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.get_by_role("button", name="Light mode")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.goto("/patients/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_keys_lead_to_places_and_can_be_turned_off(coordinator_at_work: User, page: Page) -> None:
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/patients/")
    page.keyboard.press("?")
    expect(page.locator("#help-dialog")).to_be_visible()
    page.get_by_label("Use these keys on this device").uncheck()
    page.locator("#help-dialog").get_by_role("button", name="Close").click()
    page.keyboard.press("g")
    page.keyboard.press("t")
    assert page.url.endswith("/patients/")


def test_screen_locks_in_place_and_opens_for_its_own_person_alone(
    coordinator_at_work: User, page: Page
) -> None:
    page.goto("/patients/")
    page.keyboard.press("l")
    page.keyboard.press("l")
    expect(page.locator("#lock-dialog")).to_be_visible()
    expect(page.locator(".frame")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#lock-dialog")).to_be_visible()
    page.fill("#lock-password", "wrong")
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#lock-error")).to_have_text("That is not your password.")
    page.fill("#lock-password", factories.PASSWORD)
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#lock-dialog")).to_be_hidden()
    expect(page.locator(".frame")).to_be_visible()


def test_other_tabs_lock_and_open_together(coordinator_at_work: User, page: Page) -> None:
    other = page.context.new_page()
    other.goto("/patients/")
    page.keyboard.press("l")
    page.keyboard.press("l")
    expect(other.locator("#lock-dialog")).to_be_visible()
    page.fill("#lock-password", factories.PASSWORD)
    page.get_by_role("button", name="Unlock").click()
    expect(other.locator("#lock-dialog")).to_be_hidden()


def _type_into_a_draft(page: Page) -> None:
    """Any form with a key keeps its draft; this one stands in for those of the clinical rooms."""
    page.evaluate(
        """() => {
            const form = document.createElement("form");
            form.method = "post";
            form.dataset.draftKey = "test-note";
            form.innerHTML = '<label>Note <textarea name="note" class="form-control"></textarea></label>';
            document.querySelector(".main-column").prepend(form);
            const again = document.createElement("script");
            again.src = [...document.scripts].find(script => script.src.includes("drafts")).src;
            document.head.append(again);
        }"""
    )
    page.wait_for_load_state("networkidle")


def test_draft_comes_back_and_leaves_nothing_in_the_browser(coordinator_at_work: User, page: Page) -> None:
    _type_into_a_draft(page)
    page.fill("textarea[name=note]", "She spoke of the sea.")
    expect(page.locator(".draft-note")).to_contain_text("Draft kept")
    assert Draft.objects.get(user=coordinator_at_work, key="test-note").body != ""
    assert "sea" not in page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    page.goto("/patients/")
    _type_into_a_draft(page)
    expect(page.locator("textarea[name=note]")).to_have_value("She spoke of the sea.")
    page.get_by_role("button", name="Start empty").click()
    expect(page.locator("textarea[name=note]")).to_have_value("")
    assert not Draft.objects.filter(user=coordinator_at_work).exists()
