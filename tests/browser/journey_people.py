"""The people of the journey at their browsers, and the clinic they work in."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from time import monotonic as time_now

from django.utils import timezone
from playwright.sync_api import Locator, Page, Response, expect

from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.scheduling.models import HoursPlace, Weekday, WorkingHours
from tests import factories

# A shared machine with two cores renders a page slowly when the workers have something to do.
SLOW_MS = 20_000
# Working hours of everybody, every day: the journey begins whenever the tests run.
DAY_BEGINS, DAY_ENDS = time(7), time(21)


class Colleague:
    """One person of the staff, signed in through the form, who goes on by links and buttons."""

    def __init__(self, user: User, page: Page) -> None:
        self.user = user
        self.page = page
        page.set_default_timeout(SLOW_MS)
        page.goto("/account/login/")
        page.get_by_label("E-mail address").fill(user.email)
        page.get_by_label("Password").fill(factories.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")

    @property
    def main(self) -> Locator:
        """The page's own part, without the rail."""
        return self.page.locator("main")

    def today(self) -> None:
        """Goes back to Today, as the rail's link does."""
        self.page.get_by_role("navigation").get_by_role("link", name=re.compile("Today")).first.click()
        self.page.wait_for_url("**/")

    def find_patient(self, name: str) -> None:
        """Opens a patient from the list of patients."""
        self.page.get_by_role("navigation").get_by_role("link", name=re.compile("^Patients")).first.click()
        self.follow(re.compile(re.escape(name)))

    def follow(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        """Clicks the first link of that name in the page's own part and waits for the page behind it."""
        link = (within or self.main).get_by_role("link", name=name, exact=isinstance(name, str)).first
        with self.page.expect_navigation():
            link.click()
        self.sees_no_trouble()

    def press(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        """Presses a button of a form, says yes where the page asks again, and waits for the answer."""
        button = (within or self.main).get_by_role("button", name=name, exact=isinstance(name, str)).first
        asks = button.evaluate("button => Boolean(button.dataset.confirm || button.form?.dataset.confirm)")
        if asks:
            button.click()
            with self.page.expect_navigation():
                self.page.locator("#confirm-yes").click()
        else:
            with self.page.expect_navigation():
                button.click()
        self.sees_no_trouble()

    def field(self, label: str | re.Pattern[str], *, within: Locator | None = None) -> Locator:
        """The first field with that label; a text matches a part of the label."""
        place = within or self.main
        return (
            place.get_by_label(label)
            .and_(self.page.locator("input:not([type=search]), select, textarea"))
            .first
        )

    def write(self, label: str | re.Pattern[str], text: str, *, within: Locator | None = None) -> None:
        """Fills a field by its label."""
        self.field(label, within=within).fill(text)

    def choose(self, label: str | re.Pattern[str], option: str | re.Pattern[str]) -> None:
        """Chooses in a list by the words of the option."""
        field = self.field(label)
        if isinstance(option, re.Pattern):
            texts = field.locator("option").all_inner_texts()
            field.select_option(label=next(text for text in texts if option.search(text)))
        else:
            field.select_option(label=option)

    def tick(self, label: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        """Ticks a box or takes a radio by its label."""
        self.field(label, within=within).check()

    def part(self, heading: str) -> Locator:
        """The part of the page under that heading."""
        return self.main.get_by_role("region", name=heading, exact=True).first

    def reads(self, *words: str | re.Pattern[str], within: str = "") -> None:
        """The page, or its part under the heading `within`, shows each of these words."""
        for word in words:
            expect(self.part(within) if within else self.main).to_contain_text(word, timeout=SLOW_MS)

    def sees_soon(self, words: str | re.Pattern[str], *, within: str = "", seconds: float = 60) -> None:
        """Loads the page again until it shows the words: what a worker does is not there at once."""
        until = time_now() + seconds
        while not (self.part(within) if within else self.main).filter(has_text=words).count():
            assert time_now() < until, f"{self.page.url} does not show {words} after {seconds} s"
            self.page.wait_for_timeout(200)
            self.page.reload()

    def sees_no_trouble(self) -> None:
        """No page of the journey is an error page."""
        assert not re.search(r"\b(404|403|500)\b", self.page.title()), f"{self.page.url}: {self.page.title()}"

    def asks(self, url: str) -> int:
        """Status of an address opened directly."""
        answer: Response | None = self.page.goto(url)
        assert answer is not None
        return answer.status


class Staff:
    """The clinic's people by what they are here, and their browsers; a browser opens at the first use."""

    def __init__(self, open_page: Callable[[], Page]) -> None:
        self.clinic = factories.make_clinic("Lantern Demo Clinic", is_demo=True)
        # The clinic's wall clock, as the fields of its forms take it.
        self.now = timezone.localtime(timezone=self.clinic.zone)
        # The dose was given 30 hours ago and is entered afterwards: its window is open while the tests run.
        self.dose_at = (self.now - timedelta(hours=30)).replace(second=0, microsecond=0)
        # The end of the infusion: the anchor of the integration window.
        self.t0 = self.dose_at + timedelta(minutes=40)
        make = factories.make_member
        self.users = {
            "coordinator": make(self.clinic, Role.COORDINATOR, name="Cora Demo"),
            "nurse": make(self.clinic, Role.NURSE, name="Nia Demo"),
            "therapist": make(self.clinic, Role.THERAPIST, name="Theo Demo"),
            "prescriber": make(self.clinic, Role.PRESCRIBER, name="Pia Demo"),
            "manager": make(self.clinic, Role.MANAGER, name="Mona Demo"),
            "other therapist": make(self.clinic, Role.THERAPIST, name="Otto Demo"),
        }
        for user in self.users.values():
            work_every_day(user, self.clinic)
        elsewhere = factories.make_clinic("Harbour Demo Clinic", is_demo=True)
        self.users["stranger"] = make(elsewhere, Role.PRESCRIBER, name="Stella Demo")
        # Addresses met on the way, for those who have no business there.
        self.addresses: dict[str, str] = {}
        self._open_page = open_page
        self._at_work: dict[str, Colleague] = {}

    def __getitem__(self, who: str) -> Colleague:
        if who not in self._at_work:
            self._at_work[who] = Colleague(self.users[who], self._open_page())
        return self._at_work[who]


def work_every_day(user: User, clinic: Clinic) -> None:
    """The person works from seven to nine in the evening, every day of the week."""
    WorkingHours.objects.bulk_create(
        WorkingHours(
            clinic=clinic,
            person=user,
            weekday=weekday,
            starts_at=DAY_BEGINS,
            ends_at=DAY_ENDS,
            place=HoursPlace.EITHER,
            valid_from=timezone.localdate() - timedelta(days=30),
            created_by=user,
        )
        for weekday in Weekday.values
    )


def typed(moment: datetime) -> str:
    """A moment as a field of date and time takes it."""
    return moment.strftime("%Y-%m-%dT%H:%M")


def typed_day(day: date) -> str:
    """A day as a date field takes it."""
    return day.isoformat()
