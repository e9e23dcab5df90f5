"""Preparation and the dose: therapist, nurse and prescriber."""

import re
from datetime import timedelta

from tests.browser.journey_beginning import PATIENT
from tests.browser.journey_people import Staff, typed

INTENTION = "To meet the grief, and to let it be there."


def prepare(staff: Staff) -> None:
    """The therapist writes and signs the preparation."""
    therapist = staff["therapist"]
    therapist.today()
    therapist.find_patient(PATIENT)
    therapist.follow("Preparation")
    therapist.follow("Write a preparation")
    began = staff.dose_at - timedelta(hours=48)
    therapist.write("Began", typed(began))
    therapist.write("Ended", typed(began + timedelta(hours=1)))
    therapist.choose("Place", "In person")
    for box in therapist.main.get_by_role("checkbox").all():
        box.check()
    therapist.write("Review intention: note", "Wants to sit with grief without having to solve it.")
    therapist.write(re.compile(r"^\s*Intention"), INTENTION)
    therapist.write("Safety plan", "Warning signs known; rings the therapist by day, 988 by night.")
    therapist.write("Escort name", "Alex Demo")
    therapist.write("Escort phone", "+1 303 555 0177")
    therapist.press("Save and sign")
    therapist.reads("Signed", INTENTION)
    staff.addresses["preparation note"] = therapist.page.url
    therapist.follow("Chart")
    staff.addresses["chart"] = therapist.page.url


def begin_treatment(staff: Staff) -> None:
    """The prescriber moves the episode on to treatment."""
    prescriber = staff["prescriber"]
    prescriber.today()
    prescriber.find_patient(PATIENT)
    prescriber.follow("Episode")
    prescriber.press("To treatment")


def plan_dose(staff: Staff) -> None:
    """The nurse enters the visit that has been, with the people who were there."""
    nurse = staff["nurse"]
    nurse.today()
    nurse.find_patient(PATIENT)
    nurse.follow("Doses")
    nurse.follow("Plan a dose")
    nurse.write("From", typed(staff.dose_at - timedelta(minutes=30)))
    nurse.write("Until", typed(staff.dose_at + timedelta(minutes=150)))
    nurse.choose("Room", "Room 1")
    nurse.press("Plan the dose")


def check_in(staff: Staff) -> None:
    """The nurse enters what was asked at the door."""
    nurse = staff["nurse"]
    nurse.follow("Check in")
    nurse.write("Checked in at", typed(staff.dose_at - timedelta(minutes=30)))
    nurse.write("Weight, kg", "70")
    nurse.choose("Escort confirmed", "Yes")
    nurse.write("Last ate", typed(staff.dose_at - timedelta(hours=12)))
    nurse.write("Last drank", typed(staff.dose_at - timedelta(hours=4)))
    for question in ("Intoxication suspected", "Medicines changed", "Could be pregnant"):
        nurse.choose(question, "No")
    nurse.press("Check in")


def order(staff: Staff) -> None:
    """The prescriber orders by weight; the arithmetic is shown before and after."""
    prescriber = staff["prescriber"]
    prescriber.today()
    prescriber.find_patient(PATIENT)
    prescriber.follow("Doses")
    prescriber.follow(re.compile(r"\d{4}, \d{2}:\d{2}"))
    prescriber.follow("Write the order")
    prescriber.choose("Drug", "ketamine (racemic)")
    prescriber.choose("Route", "intravenous")
    prescriber.write("Amount", "0.5")
    prescriber.choose("Unit", "mg/kg")
    prescriber.write("Over, min", "40")
    prescriber.write("Systolic up to", "150")
    prescriber.write("Diastolic up to", "95")
    prescriber.write("SpO₂ from", "94")
    prescriber.reads(re.compile(r"0\.5 mg/kg.*70.*35"))
    prescriber.press("Write the order")
    prescriber.reads("0.5 mg/kg × 70 kg = 35 mg", "35 mg ÷ 40 min = 0.88 mg/min")


def take_vitals(staff: Staff, minutes: int, systolic: int, diastolic: int) -> None:
    """The nurse types one reading, `minutes` after the dose's start."""
    nurse = staff["nurse"]
    for label, value in (
        ("Systolic", systolic),
        ("Diastolic", diastolic),
        ("Pulse", 74),
        ("SpO₂ %", 97),
        ("Breaths", 14),
    ):
        nurse.write(label, str(value))
    nurse.choose("MOAA/S", re.compile("^5"))
    nurse.write("Taken at", typed(staff.dose_at + timedelta(minutes=minutes)))
    nurse.press("Save the reading")


def give(staff: Staff) -> None:
    """The nurse records the infusion's start and stop; the stop is T0."""
    nurse = staff["nurse"]
    take_vitals(staff, -10, 124, 78)
    nurse.follow("Record what was given")
    nurse.write("Start", typed(staff.dose_at))
    nurse.write("Lot", "DEMO-7")
    nurse.press(re.compile("^(Record|Save)"))
    nurse.follow("Stop the infusion")
    nurse.write("Stopped at", typed(staff.t0))
    nurse.write("Given, mg of base", "35")
    nurse.press(re.compile("^(Record|Stop|Save)"))
    nurse.reads("35 mg")


def leave(staff: Staff) -> None:
    """The nurse goes through the checklist, records the escort, and the visit ends with a complete record."""
    nurse = staff["nurse"]
    for minutes, systolic, diastolic in ((15, 132, 84), (40, 136, 84), (80, 128, 80), (150, 122, 76)):
        take_vitals(staff, minutes, systolic, diastolic)
    left_at = staff.dose_at + timedelta(minutes=170)
    nurse.follow("Before leaving")
    nurse.write("Seen at", typed(left_at - timedelta(minutes=10)))
    nurse.choose("Alert and oriented", "Yes")
    nurse.choose("Walks steadily", "Yes")
    nurse.choose("Nausea", "None")
    nurse.choose("Dissociation", "None")
    nurse.write("Escort seen at", typed(left_at - timedelta(minutes=5)))
    nurse.tick("Written instructions given")
    nurse.tick("Phone number to ring given")
    nurse.choose("Suicide risk asked again", "Yes")
    nurse.press("Save")
    nurse.follow("How the visit ends")
    nurse.choose("Ending", "Discharged with the escort")
    nurse.write("Left at", typed(left_at))
    nurse.press("Record the ending")
    nurse.press("Complete the record")
    nurse.reads("Alex Demo")
