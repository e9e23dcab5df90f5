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
    prescriber.follow("Dose 1")
    prescriber.follow("Write the order")
