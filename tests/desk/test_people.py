"""Lists of people: search, filters, board, and that each costs the same whatever the clinic's size."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from episodes.models import Episode, Patient
from episodes.stages import Stage
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.desk import people
from kapclinic.desk.paging import MOST_ROWS, BoundedPaginator
from kapclinic.desk.people import EpisodeFilter, date_in
from kapclinic.notices.services import open_task
from tests import factories


def test_birth_dates_are_read_as_people_write_them() -> None:
    today = date(2026, 11, 22)
    for text in ("1987-03-14", "03/14/1987", "3/14/87", "14 Mar 1987", "March 14, 1987", "14 march  1987"):
        assert date_in(text, today=today) == date(1987, 3, 14), text


@pytest.mark.parametrize("text", ["Mei", "", "13/13/1987", "KC-7Q4M", "14 Mar"])
def test_text_is_no_birth_date_when_it_is_none(text: str) -> None:
    assert date_in(text, today=date(2026, 11, 22)) is None


def test_two_digit_year_never_lies_in_the_future() -> None:
    assert date_in("3/14/30", today=date(2026, 11, 22)) == date(1930, 3, 14)


@pytest.mark.django_db
def test_patient_is_found_by_part_of_the_name_misspelt_name_number_and_birth_date(
    clinic: Clinic, coordinator: User, patient: Patient
) -> None:
    factories.make_patient(
        clinic, coordinator, given_name="Tomas", family_name="Other", date_of_birth=date(1970, 1, 2)
    )
    actor = factories.make_actor(coordinator, clinic)
    for text in ("mei", "dem", "Demo Mei"[:6], patient.public_id.lower(), "14 Mar 1987"):
        hits, is_more = people.find_patients(actor, text, now=timezone.now())
        assert [hit.public_id for hit in hits] == [patient.public_id], text
        assert not is_more
    long_name = factories.make_patient(clinic, coordinator, given_name="Rosa", family_name="Whitfield")
    hits, _ = people.find_patients(actor, "Witfield", now=timezone.now())
    assert [hit.public_id for hit in hits] == [long_name.public_id]


@pytest.mark.django_db
def test_search_finds_nobody_when_the_patient_is_not_theirs(
    clinic: Clinic, episode: Episode, therapist: User, therapist_off_team: User
) -> None:
    hits, _ = people.find_patients(factories.make_actor(therapist, clinic), "Demo", now=timezone.now())
    assert len(hits) == 1
    hits, _ = people.find_patients(
        factories.make_actor(therapist_off_team, clinic), "Demo", now=timezone.now()
    )
    assert hits == []


@pytest.mark.django_db
def test_search_asks_for_two_letters_at_least(clinic: Clinic, coordinator: User, patient: Patient) -> None:
    assert people.find_patients(factories.make_actor(coordinator, clinic), " m ", now=timezone.now()) == (
        [],
        False,
    )


@pytest.mark.django_db
def test_other_clinics_patients_are_never_found(other_clinic: Clinic, patient: Patient) -> None:
    stranger = factories.make_member(other_clinic, Role.COORDINATOR)
    hits, _ = people.find_patients(factories.make_actor(stranger, other_clinic), "Demo", now=timezone.now())
    assert hits == []


@pytest.mark.django_db
def test_list_narrows_by_stage_clinician_and_overdue_work(
    clinic: Clinic, coordinator: User, episode: Episode, therapist: User, therapist_off_team: User
) -> None:
    now = timezone.now()
    other = factories.make_episode(
        factories.make_patient(clinic, coordinator, given_name="Tomas", date_of_birth=date(1970, 1, 2)),
        therapist=therapist_off_team,
        stage=Stage.SCREENING,
    )
    open_task(
        clinic=clinic,
        key="t",
        kind="k",
        title="Do it",
        role=Role.THERAPIST,
        episode=episode,
        due_at=now - timedelta(seconds=1),
    )
    actor = factories.make_actor(coordinator, clinic)

    def found(**wanted: object) -> set[str]:
        rows = people.episodes_matching(actor, EpisodeFilter(**wanted), now=now)  # type: ignore[arg-type]  # a test builds it
        return {row.public_id for row in rows}

    assert found() == {episode.public_id, other.public_id}
    assert found(stage=Stage.SCREENING) == {other.public_id}
    assert found(clinician=str(therapist.pk)) == {episode.public_id}
    assert found(overdue=True) == {episode.public_id}


@pytest.mark.django_db
def test_closed_episodes_are_listed_only_when_asked_for(
    clinic: Clinic, coordinator: User, episode: Episode
) -> None:
    now = timezone.now()
    actor = factories.make_actor(coordinator, clinic)
    Episode.objects.filter(pk=episode.pk).update(
        stage=Stage.CLOSED, closed_at=now, closed_by=coordinator, close_reason="completed"
    )
    assert not people.episodes_matching(actor, EpisodeFilter(), now=now).exists()
    assert people.episodes_matching(actor, EpisodeFilter(stage=Stage.CLOSED), now=now).exists()


@pytest.mark.django_db
def test_board_shows_every_open_stage_with_who_stands_there(
    clinic: Clinic, coordinator: User, episode: Episode, therapist: User, prescriber: User
) -> None:
    columns = people.board(factories.make_actor(coordinator, clinic), now=timezone.now())
    assert [column.stage for column in columns] == [
        "referred",
        "screening",
        "preparation",
        "treatment",
        "maintenance",
    ]
    assert [row.public_id for row in columns[0].episodes] == [episode.public_id]
    assert columns[0].episodes[0].lead_names == [therapist.full_name, prescriber.full_name]
    assert columns[0].count_text == "1"


@pytest.mark.django_db
def test_person_who_holds_both_parts_is_named_once(clinic: Clinic, patient: Patient) -> None:
    both = factories.make_member(clinic, Role.PRESCRIBER, Role.THERAPIST, name="Demo Solo")
    episode = factories.make_episode(patient, prescriber=both, therapist=both)
    assert people.with_leads([episode], now=timezone.now())[0].lead_names == [both.full_name]


@pytest.mark.django_db
def test_registered_patient_stands_apart_until_an_episode_is_opened(
    clinic: Clinic, coordinator: User, patient: Patient
) -> None:
    actor = factories.make_actor(coordinator, clinic)
    assert list(people.patients_without_episode(actor)) == [patient]
    factories.make_episode(patient)
    assert not people.patients_without_episode(actor).exists()


def _crowd(clinic: Clinic, coordinator: User, therapist: User, size: int) -> None:
    for number in range(size):
        factories.make_episode(
            factories.make_patient(
                clinic,
                coordinator,
                given_name=f"Person{number}",
                date_of_birth=date(1960, 1, 1) + timedelta(days=number),
            ),
            therapist=therapist,
        )


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 12])
def test_lists_cost_the_same_queries_when_the_clinic_grows(
    clinic: Clinic,
    coordinator: User,
    therapist: User,
    size: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    _crowd(clinic, coordinator, therapist, size)
    actor = factories.make_actor(coordinator, clinic)
    now = timezone.now()
    with django_assert_num_queries(2):
        people.with_leads(list(people.episodes_matching(actor, EpisodeFilter(), now=now)[:50]), now=now)
    with django_assert_num_queries(6):
        people.board(actor, now=now)
    with django_assert_num_queries(2):
        people.find_patients(actor, "person", now=now)


@pytest.mark.django_db
def test_paging_stops_counting_where_nobody_turns_pages(
    monkeypatch: pytest.MonkeyPatch, clinic: Clinic
) -> None:
    monkeypatch.setattr("kapclinic.desk.paging.MOST_ROWS", 3)
    for _ in range(5):
        factories.make_member(clinic, Role.NURSE)
    everybody = User.objects.order_by("name", "id")
    first = BoundedPaginator(everybody, 2)
    assert (first.count, first.is_cut, first.num_pages) == (3, True, 2)
    assert list(first.page(1)) == list(everybody[:2])
    last = BoundedPaginator(everybody, 2, up_to=2)
    assert list(last.page(2)) == list(everybody[2:3])
    assert last.is_cut
    assert MOST_ROWS == 200


@pytest.mark.django_db
def test_page_reads_as_far_as_it_is_and_knows_the_end(
    clinic: Clinic, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        factories.make_member(clinic, Role.NURSE)
    everybody = User.objects.order_by("name", "id")
    rows = BoundedPaginator(everybody, 2, up_to=3)
    expected = list(everybody[4:6])
    with django_assert_num_queries(2):
        assert list(rows.page(3)) == expected
    assert (rows.count, rows.is_cut) == (everybody.count(), False)
