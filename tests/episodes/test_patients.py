"""Registering patients, duplicates, search, age."""

import uuid
from datetime import date, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from episodes import services
from episodes.models import Patient
from episodes.services.patients import possible_duplicates
from kapclinic.clinics.refusals import Refused
from tests import factories

MEI = {"given_name": "Mei", "family_name": "Demo", "date_of_birth": date(1987, 3, 14)}


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2000, 5, 10), date(2018, 5, 9), 17),
        (date(2000, 5, 10), date(2018, 5, 10), 18),
        (date(2000, 5, 10), date(2018, 5, 11), 18),
        (date(2004, 2, 29), date(2022, 2, 28), 17),
        (date(2004, 2, 29), date(2022, 3, 1), 18),
        (date(2004, 2, 29), date(2024, 2, 29), 20),
        (date(2000, 5, 10), date(2000, 5, 10), 0),
    ],
)
def test_age_is_completed_years(born: date, day: date, age: int) -> None:
    assert Patient(date_of_birth=born).age_on(day) == age


@given(born=st.dates(date(1900, 1, 1), date(2020, 1, 1)), days=st.integers(0, 40_000))
def test_age_never_falls_from_one_day_to_the_next(born: date, days: int) -> None:
    patient = Patient(date_of_birth=born)
    day = born + timedelta(days=days)
    assert 0 <= patient.age_on(day + timedelta(days=1)) - patient.age_on(day) <= 1


def test_registering_gives_a_readable_identifier(clinic, coordinator) -> None:
    patient = services.register_patient(clinic=clinic, actor=coordinator, details=MEI)
    assert patient.public_id.startswith("KC-")
    assert not set("ILOU") & set(patient.public_id[3:])
    assert patient.created_by == coordinator


def test_same_request_key_registers_once(clinic, coordinator) -> None:
    key = uuid.uuid4()
    first = services.register_patient(clinic=clinic, actor=coordinator, details=MEI, request_key=key)
    again = services.register_patient(clinic=clinic, actor=coordinator, details=MEI, request_key=key)
    assert (first.pk, Patient.objects.count()) == (again.pk, 1)


@pytest.mark.parametrize(
    ("details", "found"),
    [
        ({}, True),
        ({"given_name": "Mai"}, True),
        ({"given_name": "Mei", "family_name": "Demmo"}, True),
        ({"date_of_birth": date(1987, 4, 13)}, True),
        ({"given_name": "Tomas", "family_name": "Elsewhere", "date_of_birth": date(1960, 1, 1)}, False),
        ({"given_name": "Tomas", "family_name": "Elsewhere"}, False),
    ],
)
def test_possible_duplicates_are_named_before_saving(clinic, patient, details, found: bool) -> None:
    assert bool(possible_duplicates(clinic=clinic, **{**MEI, **details})) is found


def test_registering_a_look_alike_is_refused_until_it_was_looked_at(clinic, coordinator, patient) -> None:
    with pytest.raises(Refused) as refusal:
        services.register_patient(clinic=clinic, actor=coordinator, details=MEI)
    assert refusal.value.reasons[0].code == "possible-duplicate"
    services.register_patient(clinic=clinic, actor=coordinator, details=MEI, duplicates_seen=True)
    assert Patient.objects.count() == 2


def test_other_clinics_patients_are_no_duplicates(other_clinic, patient) -> None:
    assert possible_duplicates(clinic=other_clinic, **MEI) == []


def test_identifier_elsewhere_is_refused_when_taken(clinic, coordinator) -> None:
    factories.make_patient(clinic, coordinator, external_id="MRN-1")
    with pytest.raises(Refused) as refusal:
        services.register_patient(
            clinic=clinic, actor=coordinator, duplicates_seen=True, details={**MEI, "external_id": "MRN-1"}
        )
    assert refusal.value.reasons[0].field == "external_id"


def test_birth_date_is_refused_when_it_lies_ahead(clinic, coordinator) -> None:
    ahead = timezone.localdate() + timedelta(days=2)
    with pytest.raises(Refused) as refusal:
        services.register_patient(clinic=clinic, actor=coordinator, details={**MEI, "date_of_birth": ahead})
    assert refusal.value.reasons[0].field == "date_of_birth"


@pytest.mark.parametrize("text", ["demo", "mei", "mei demo", "Demmo", "DEM", "  mei  "])
def test_search_finds_names_and_misspellings(patient, text: str) -> None:
    assert list(Patient.objects.matching(text)) == [patient]


def test_search_finds_the_identifier(patient) -> None:
    assert list(Patient.objects.matching(patient.public_id.lower())) == [patient]


@pytest.mark.parametrize("text", ["", "   ", "zzzz", "%", "';--"])
def test_search_finds_nothing_for_nothing(patient, text: str) -> None:
    assert list(Patient.objects.matching(text)) == []


def test_change_of_details_keeps_what_stood_before(patient, coordinator) -> None:
    services.update_patient(patient=patient, actor=coordinator, details={"phone": "+1 303 555 0199"})
    assert list(patient.history.order_by("pgh_id").values_list("phone", flat=True)) == [
        "+1 303 555 0111",
        "+1 303 555 0199",
    ]


@pytest.mark.parametrize(
    "name",
    ['O\'Brien "Bo" <b>', "=cmd|' /C calc'!A0", "\u202eevil", "عبد الرحمن", "🦋 Butterfly", "x" * 100],
)
def test_names_survive_as_typed(clinic, coordinator, name: str) -> None:
    patient = factories.make_patient(clinic, coordinator, given_name=name)
    patient.refresh_from_db()
    assert patient.given_name == name


def test_allergy_is_refused_when_it_is_on_file(patient, nurse) -> None:
    services.add_allergy(patient=patient, actor=nurse, substance="Latex")
    with pytest.raises(Refused):
        services.add_allergy(patient=patient, actor=nurse, substance="Latex")
