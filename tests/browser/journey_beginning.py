"""From the referral to the signed decision: what coordinator, nurse, therapist and prescriber do in screening."""

import re
from datetime import timedelta

from playwright.sync_api import expect

from tests.browser.journey_people import Staff, typed, typed_day

GIVEN, FAMILY, BORN = "Juniper", "Demo-Walker", "1984-05-17"
PATIENT = f"{FAMILY}, {GIVEN}"


def _details(staff: Staff, given: str, family: str) -> None:
    coordinator = staff["coordinator"]
    coordinator.write("Given name", given)
    coordinator.write("Family name", family)
    coordinator.write("Date of birth", BORN)
    coordinator.choose("Sex at birth", "Female")
    coordinator.write("Phone", "+1 303 555 0134")


def register(staff: Staff) -> None:
    """The coordinator registers the patient; somebody alike is shown before anything is saved."""
    coordinator = staff["coordinator"]
    coordinator.today()
    coordinator.follow("Register a patient")
    _details(staff, "Juniper", "Demo-Walkers")
    coordinator.press("Register")
    coordinator.today()
    coordinator.follow("Register a patient")
    _details(staff, GIVEN, FAMILY)
    coordinator.press("Register")
    coordinator.reads("Is it one of these people?", "Demo-Walkers", "same date of birth")
    coordinator.press("It is a new person: register")
    coordinator.reads("No episode yet.")


def open_episode(staff: Staff) -> None:
    """The coordinator starts the episode and names the care team."""
    coordinator = staff["coordinator"]
    coordinator.follow("Start an episode")
    coordinator.choose("Indication", "Treatment-resistant depression")
    coordinator.write("Referred by", "Dr. Rowan Demo")
    coordinator.tick("Preparation-Integration:")
    coordinator.press("Start the episode")
    coordinator.reads("Nobody yet.")
    for who, part in (("prescriber", "Prescriber"), ("therapist", "Therapist"), ("nurse", "Nurse")):
        coordinator.choose("Part", part)
        coordinator.choose("Person", re.compile(staff.users[who].name))
        coordinator.press("Add to the team")
        coordinator.reads(staff.users[who].name, within="On the team")


def answer_questionnaires(staff: Staff) -> None:
    """The nurse types the answers on the keyboard: PHQ-9 with item 9 at 1, GAD-7, AUDIT-C."""
    nurse = staff["nurse"]
    nurse.today()
    nurse.find_patient(PATIENT)
    for name, digits, total in (
        ("PHQ-9", "322223211", "18 of 27"),
        ("GAD-7", "2221210", "10 of 21"),
        ("AUDIT-C", "110", "2 of 12"),
    ):
        nurse.follow("Screening")
        nurse.follow("Questionnaires")
        nurse.follow(f"Fill in {name}")
        nurse.page.locator("input[name=item_1]").first.focus()
        nurse.page.keyboard.type(digits)
        nurse.reads(total, within=nurse.page.locator("form h2").first.inner_text())
        nurse.write("Answered at", typed(staff.dose_at - timedelta(hours=60)))
        nurse.press("Keep the answers")
        nurse.reads(total, within="Total")
        if name == "PHQ-9":
            nurse.reads("Item 9 = 1. A suicide-risk assessment is owed.")


def take_history(staff: Staff) -> None:
    """The nurse asks by body system and records medications, vital signs and pregnancy."""
    nurse = staff["nurse"]
    nurse.follow("Screening")
    nurse.follow("History")
    for button in nurse.main.get_by_role("button", name="None of these").all():
        button.click()
    nurse.press("Save answers")
    _record_facts(staff)


def _record_facts(staff: Staff) -> None:
    nurse = staff["nurse"]
    nurse.follow("Medications")
    nurse.write("Name", "Zoloft")
    nurse.reads("Known: no rule concerns it", "sertraline")
    nurse.write("Dose", "100 mg")
    nurse.write("Frequency", "in the morning")
    nurse.press("Add to the list")
    nurse.reads("Zoloft", "100 mg", within="Taken now")
    nurse.press("The list is complete")
    nurse.follow("Vital signs")
    for label, value in (
        ("Systolic", "124"), ("Diastolic", "78"), ("Pulse", "72"), ("Breaths", "14"), ("SpO2", "98"),
        ("Weight", "70"), ("Height", "168"),
    ):  # fmt: skip
        nurse.write(label, value)
    nurse.choose("On room air", "Yes")
    nurse.press("Record vital signs")
    nurse.reads("124", within="In the record")
    nurse.follow("Pregnancy")
    nurse.tick("Not pregnant")
    nurse.main.get_by_role("group", name=re.compile("Breastfeeding")).get_by_label("No", exact=True).check()
    nurse.press("Save")
    nurse.follow("Pregnancy test")
    nurse.choose("Result", "Negative")
    nurse.press("Record the test")


def assess_risk(staff: Staff) -> None:
    """The therapist finds the owed assessment on Today and records it; nothing is owed afterwards."""
    therapist = staff["therapist"]
    therapist.today()
    therapist.follow("Suicide-risk assessment")
    therapist.reads("PHQ-9 item 9 = 1.")
    therapist.tick("Passive thoughts (wish to be dead)")
    therapist.write("How it was assessed", "Asked in person, with the screening questions of the C-SSRS")
    therapist.write(
        "What protects, and the plan", "Two children at home; rings the therapist or 988 by day and night."
    )
    therapist.tick("Safety plan made or renewed")
    therapist.press("Record the assessment")
    therapist.today()
    expect(therapist.main.get_by_role("link", name="Suicide-risk assessment")).to_have_count(0)


def decide(staff: Staff) -> None:
    """The prescriber answers the finding and signs the decision."""
    prescriber = staff["prescriber"]
    prescriber.today()
    prescriber.find_patient(PATIENT)
    prescriber.follow("Screening")
    prescriber.follow("Decide")
    prescriber.tick("Accept")
    prescriber.write("Why", "Passive thoughts only, safety plan made today, seen again before each dose.")
    prescriber.tick("Eligible", within=prescriber.part("Decision"))
    prescriber.write(
        "Why", "Two adequate trials failed; nothing stops treatment.", within=prescriber.part("Decision")
    )
    prescriber.press("Sign the decision")
    prescriber.reads("in force until", within="Eligibility")


def move_to(staff: Staff, stage: str) -> None:
    """The coordinator moves the episode on from its page."""
    coordinator = staff["coordinator"]
    coordinator.today()
    coordinator.find_patient(PATIENT)
    coordinator.press(f"To {stage}")


def record_consents(staff: Staff) -> None:
    """The coordinator records the treatment consent and the one for sharing between prescriber and therapist."""
    coordinator = staff["coordinator"]
    coordinator.today()
    coordinator.find_patient(PATIENT)
    coordinator.follow("Consents")
    signed_on = typed_day(staff.now.date() - timedelta(days=4))
    coordinator.tick("Treatment with ketamine")
    coordinator.write("Version of the text", "2026-1")
    coordinator.write("Signed on", signed_on)
    coordinator.tick("The text names that ketamine is used off-label")
    coordinator.press("Put on file")
    coordinator.reads("Treatment with ketamine", within="On file")
    coordinator.tick("Sharing between prescriber and therapist")
    coordinator.write("Version of the text", "2026-1")
    coordinator.write("Signed on", signed_on)
    coordinator.write("Expires on", typed_day(staff.now.date() + timedelta(days=365)))
    for category in (
        "Dose and response",
        "Adverse events",
        "Themes of the therapy",
        "Medication",
        "Outcome scores",
    ):
        coordinator.tick(category)
    coordinator.write("Who receives", "Prescriber and therapist of the care team")
    coordinator.write("Purpose", "Coordination of care")
    for statement in (
        "The text states the right to revoke it in writing, and how",
        "The text states that treatment does not depend on signing it",
        "The text states that a receiver may pass on what is shared",
    ):
        coordinator.tick(statement)
    coordinator.press("Put on file")
    coordinator.reads("Sharing between prescriber and therapist", within="On file")
