"""After the dose: the appointment in its window, integration, handoffs, outcomes and closing."""

import re
from datetime import date, datetime, time, timedelta
from io import BytesIO

from playwright.sync_api import expect
from pypdf import PdfReader

from tests.browser.journey_beginning import FAMILY, GIVEN, PATIENT
from tests.browser.journey_people import DAY_BEGINS, DAY_ENDS, Staff, typed_day

STEP = "Ring her sister on Sunday."
_BOOKED = re.compile(
    r"Booked (?P<day>\w{3} \d{1,2} \w{3}) (?P<begins>\d\d:\d\d)–(?P<ends>\d\d:\d\d) with Theo Demo"
)


def find_the_appointment(staff: Staff) -> None:
    """The worker has placed the appointment inside T0 + 24 h to T0 + 72 h, in working hours; the coordinator sees it."""
    coordinator = staff["coordinator"]
    coordinator.today()
    coordinator.sees_soon(re.compile("Theo Demo"), within="Windows, soonest to close first")
    coordinator.follow(re.compile("^Open"), within=coordinator.part("Windows, soonest to close first"))
    found = _BOOKED.search(coordinator.main.inner_text())
    assert found, coordinator.main.inner_text()
    begins, ends = (_moment(staff, found["day"], found[name]) for name in ("begins", "ends"))
    assert staff.t0 + timedelta(hours=24) <= begins < ends <= staff.t0 + timedelta(hours=72)
    assert begins > staff.now
    assert DAY_BEGINS <= begins.time() < ends.time() <= DAY_ENDS


def _moment(staff: Staff, day: str, clock: str) -> datetime:
    """The moment of a day without its year ("Sun 22 Nov"), which lies within a week of the dose."""
    for days in range(8):
        candidate: date = staff.t0.date() + timedelta(days=days)
        if f"{candidate:%a} {candidate.day} {candidate:%b}" == day:
            return datetime.combine(candidate, time.fromisoformat(clock), tzinfo=staff.clinic.zone)
    raise AssertionError(f"{day} is not within a week of the dose")


def tell_the_patient(staff: Staff) -> None:
    """The coordinator finds the task on Today, rings the patient and records it."""
    coordinator = staff["coordinator"]
    coordinator.today()
    coordinator.follow("Tell the patient the time", within=coordinator.part("For you"))
    coordinator.reads("+1 303 555 0134", "With", "Theo Demo")
    coordinator.tick("Telephone")
    coordinator.tick("Yes, the patient knows")
    coordinator.press("Record")
    coordinator.today()
    coordinator.follow(re.compile("^Open"), within=coordinator.part("Windows, soonest to close first"))
    coordinator.reads(re.compile("patient (has been told|knows|told)"))


def integrate(staff: Staff) -> None:
    """The therapist records the session that was held and signs its note with an action step."""
    therapist = staff["therapist"]
    ended = staff.now - timedelta(hours=1)
    began = ended - timedelta(minutes=50)
    if began.date() != ended.date():
        ended = datetime.combine(ended.date(), time(0), tzinfo=staff.clinic.zone) - timedelta(minutes=5)
        began = ended - timedelta(minutes=50)
    therapist.today()
    therapist.find_patient(PATIENT)
    therapist.follow("Integration")
    therapist.follow("Record a session")
    therapist.choose("Held by", re.compile("Theo Demo"))
    therapist.write("Day", typed_day(began.date()))
    therapist.write("Began", f"{began:%H:%M}")
    therapist.write("Ended", f"{ended:%H:%M}")
    therapist.choose("Place", "In person")
    therapist.press("Record")
    therapist.reads("Recorded as held.")
    therapist.main.get_by_role("group", name=re.compile("Explore the narrative")).get_by_label(
        "Covered"
    ).check()
    therapist.write(
        "Explore the narrative: what was said", "She stood at the door of the old house and could go in."
    )
    therapist.tick("Mindfulness")
    therapist.write("Themes to share with the prescriber", "Grief, and more room to breathe.")
    therapist.write("Step 1", STEP)
    therapist.press("Sign")
    therapist.reads(STEP)
    therapist.follow("Integration")
    therapist.reads(STEP, within="Open action steps")
    therapist.reads("signed", within="Sessions")


def hand_over_to_prescriber(staff: Staff) -> None:
    """Before the dose the therapist writes and signs; the prescriber reads PDF and page and says so."""
    therapist = staff["therapist"]
    therapist.today()
    therapist.find_patient(PATIENT)
    therapist.follow("Handoffs")
    therapist.follow(re.compile("^Write"), within=therapist.part("By dose"))
    for label, words in (
        ("Themes", "Grief after her mother's death."),
        ("Mental status", "Low, oriented, passive thoughts only."),
        ("Readiness concerns", "None."),
        ("Stressors", "The house is to be sold."),
        ("Medication adherence", "Takes Zoloft as prescribed."),
    ):
        therapist.write(label, words)
    therapist.press("Sign and hand over")
    _read_and_acknowledge(
        staff,
        "prescriber",
        signed_by="Theo Demo, LCSW",
        says=("Low, oriented, passive thoughts only.", "The house is to be sold."),
    )


def hand_over_to_therapist(staff: Staff) -> None:
    """The prescriber finds what is owed on Today, writes and signs it; the therapist reads PDF and page and says so."""
    prescriber = staff["prescriber"]
    prescriber.today()
    prescriber.follow(re.compile("^Write"), within=prescriber.part("Handoffs"))
    prescriber.reads("IV ketamine 35 mg")
    prescriber.write("Mental status at discharge", "Calm, oriented, no thoughts of suicide.")
    prescriber.write("Recommended integration focus", "The old house, and her sister.")
    prescriber.press("Sign and hand over")
    _read_and_acknowledge(
        staff,
        "therapist",
        signed_by="Pia Demo, MD",
        says=("IV ketamine 35 mg", "The old house, and her sister."),
    )


def _read_and_acknowledge(staff: Staff, who: str, *, signed_by: str, says: tuple[str, ...]) -> None:
    reader = staff[who]
    reader.today()
    reader.follow(re.compile("^Read"), within=reader.part("Handoffs"))
    reader.reads(*says)
    reader.sees_soon("Ready", within="PDF")
    address = reader.part("PDF").get_by_role("link", name="Open the PDF").get_attribute("href")
    answer = reader.page.request.get(str(address))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/pdf"
    content = answer.body()
    assert content.startswith(b"%PDF-")
    text = " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())
    for words in (GIVEN, FAMILY, signed_by, "Signed ", *says):
        assert words in text, f"{words!r} is not printed: {text}"
    reader.press("I have read it")
    reader.reads(staff.users[who].name, within="Read")


def answer_the_incident(staff: Staff) -> None:
    """The dose was entered before its rules were met in the record; a prescriber finds it on Today and answers."""
    prescriber = staff["prescriber"]
    prescriber.today()
    prescriber.follow(re.compile("^Incident to answer"), within=prescriber.part("For you"))
    prescriber.follow("Answer")
    prescriber.write("Answer", "The record was entered afterwards; everything was done in time.")
    prescriber.press("Answer")
    prescriber.today()
    expect(prescriber.main.get_by_role("link", name=re.compile("^Incident to answer"))).to_have_count(0)


def look_at_outcomes(staff: Staff) -> None:
    """The therapist's own caseload counts the episode, its dose and its baseline."""
    therapist = staff["therapist"]
    therapist.today()
    therapist.page.get_by_role("navigation").get_by_role("link", name=re.compile("Outcomes")).first.click()
    therapist.reads(
        re.compile(r"Episodes with a dose\s*1\b"), re.compile(r"Doses\s*1\b"), within="Who is counted"
    )
    row = therapist.part("PHQ-9").get_by_role("row", name=re.compile("^Preparation-Integration"))
    expect(row).to_contain_text(re.compile(r"100\s%\s*1 of 1"))


def close(staff: Staff) -> None:
    """The prescriber closes the episode with what stays and what comes next."""
    prescriber = staff["prescriber"]
    prescriber.today()
    prescriber.find_patient(PATIENT)
    prescriber.follow("Episode")
    prescriber.follow("Close the episode")
    prescriber.choose("Why it ends", "Completed")
    prescriber.write("Insights that stay", "Grief may be there, and so may breath.")
    prescriber.write(
        "Practical next steps", "Weekly therapy goes on; rings the clinic when sleep goes again."
    )
    prescriber.press("Close the episode")
    prescriber.reads("Closed: Completed", "Grief may be there, and so may breath.")


def refuse_the_wrong(staff: Staff) -> None:
    """Who has no business here is turned away: 404 where they may not know, 403 where they may know but not read."""
    coordinator = staff["coordinator"]
    chart, note = staff.addresses["chart"], staff.addresses["preparation note"]
    assert staff["other therapist"].asks(chart) == 404
    assert staff["other therapist"].asks(note) == 404
    assert staff["stranger"].asks(chart) == 404
    assert staff["stranger"].asks(note) == 404
    assert staff["manager"].asks(chart) == 403
    assert staff["manager"].asks(note) == 403
    assert coordinator.asks(note) == 403
    assert staff["therapist"].asks(chart) == 200
    coordinator.page.goto("/")
