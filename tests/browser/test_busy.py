"""A form that takes seconds to answer is sent once and says so."""

from http import HTTPStatus
from pathlib import Path

from django.conf import settings
from playwright.sync_api import Browser, Page, Route, expect

_ORIGIN = "http://clinic.test/"
_SCRIPT = Path(settings.BASE_DIR) / "static" / "js" / "app.js"
_PAGE = """<!doctype html><form method="get" {attributes}><input name="most" value="3"><button>Work it out</button></form>
<script src="/app.js"></script>"""


def _open(browser: Browser, attributes: str) -> tuple[Page, list[str]]:
    """A page with such a form that keeps waiting, and the addresses that it asked for."""
    context = browser.new_context()
    asked: list[str] = []

    def give(route: Route) -> None:
        if "?" in route.request.url:
            asked.append(route.request.url)
            # Nothing new to show: the page stays as it is while it waits.
            route.fulfill(status=HTTPStatus.NO_CONTENT)
        elif route.request.url.endswith("app.js"):
            route.fulfill(body=_SCRIPT.read_text(), content_type="text/javascript")
        else:
            route.fulfill(
                status=HTTPStatus.OK, body=_PAGE.format(attributes=attributes), content_type="text/html"
            )

    context.route("**/*", give)
    page = context.new_page()
    page.goto(_ORIGIN)
    return page, asked


def test_question_is_sent_once_and_its_button_is_busy(browser: Browser) -> None:
    page, asked = _open(browser, "data-busy")
    button = page.get_by_role("button", name="Work it out")
    button.click(no_wait_after=True)
    expect(button).to_have_attribute("aria-busy", "true")
    expect(button).to_be_disabled()
    page.evaluate("document.forms[0].requestSubmit()")
    page.wait_for_timeout(200)
    assert asked == [f"{_ORIGIN}?most=3"]
    page.context.close()


def test_other_searches_stay_as_they_are(browser: Browser) -> None:
    page, asked = _open(browser, "")
    button = page.get_by_role("button", name="Work it out")
    button.click(no_wait_after=True)
    page.wait_for_timeout(200)
    expect(button).to_be_enabled()
    assert asked == [f"{_ORIGIN}?most=3"]
    page.context.close()
