"""Forged, replayed and late requests: the answer depends on who asks now, never on what a page once offered."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.accounts.screen_lock import Screen
from kapclinic.accounts.sign_ins import screen_of
from kapclinic.clinics.models import Clinic
from kapclinic.process_notes.models import ProcessNote
from tests.attacks.forms import TYPED, FoundForm, forms_of
from tests.attacks.pages import first_page
from tests.process_notes.situations import write
from tests.walk import GUARDED, World, ask, ask_without_token, send, url_of

Count = Callable[[str, object], None]
FORGED = {
    "HX-Request": "true",
    "HX-Boosted": "true",
    "HX-Current-URL": "javascript:kap()//",
    "HX-Target": '"><script>kap()</script>',
    "HX-Trigger": "../../etc/passwd",
    "HX-Prompt": "kap'\"><script>kap()</script>",
    "HX-History-Restore-Request": "true",
    "X-HTTP-Method-Override": "DELETE",
    "X-Forwarded-Host": "evil.example",
    "X-Original-URL": "/clinic/staff/",
    "X-Background": "true",
}


def test_forged_headers_open_nothing_and_forms_without_a_token_change_nothing(
    world: World, record_property: Count
) -> None:
    """htmx headers on every address: somebody of another clinic finds nothing, and a POST without a token is refused."""
    wrong: list[str] = []
    tried: Counter[str] = Counter()
    stranger = world.signed_in[world.outsider.pk]
    for address in GUARDED:
        with transaction.atomic():
            url = url_of(address, world.situation)
            if address.arguments and address.action != "account.self" and address.arguments != ("slug",):
                answer = ask("GET", url, stranger, **FORGED)
                tried["forged headers"] += 1
                known = address.name in {"administration:setting", "desk:today-card"}
                if answer.status_code not in {404, 405} and not known:
                    wrong.append(f"{address.name} with forged headers: {answer.status_code}")
            answer = ask_without_token(url, world.signed_in[world.walkers[0].user.pk])
            tried["without a token"] += 1
            if answer.status_code != 403 or "Please send it again" not in answer.content.decode():
                wrong.append(f"{address.name} without a token: {answer.status_code}")
            transaction.set_rollback(True)
    record_property("counts", f"{dict(tried)}; {len(wrong)} got through")
    assert not wrong, "\n".join(wrong)


def _filled(form: FoundForm) -> dict[str, list[str]]:
    values = form.values()
    for control in form.controls:
        if control.kind in TYPED and not control.value:
            values[control.name] = ["Made up"]
        elif control.kind == "date" and not control.value:
            values[control.name] = [timezone.localdate().isoformat()]
    return values


def _counts(tables: list[str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            found[table] = cursor.fetchone()[0]
        return found


def _rows_made() -> dict[str, int]:
    """How often this transaction put a row into each table, also where that was taken back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins FROM pg_stat_xact_user_tables WHERE relname NOT LIKE %s AND relname NOT LIKE %s",
            ["%history", "pghistory%"],
        )
        return dict(cursor.fetchall())


# Rows that are no clinical record: sign-ins, sessions, who asked for what, what waits for a worker, lines of an inbox.
_NO_RECORD = ("django_", "accounts_signin", "accounts_cache", "audit_accessevent", "jobs_", "notices_")


def test_form_that_is_sent_again_makes_nothing_twice(world: World, record_property: Count) -> None:
    """Each form as its page offers it, filled in, sent twice: the second time makes no row of a record."""
    twice: list[str] = []
    outcome: Counter[str] = Counter()
    seen: set[Any] = set()
    for address in GUARDED:
        with transaction.atomic():
            url = url_of(address, world.situation)
            opened = first_page(address, world, url)
            session = "" if opened is None else world.signed_in[opened[0].user.pk]
            page = None if opened is None else opened[1]
            forms = (
                []
                if page is None
                else [form for form in forms_of(page.content.decode()) if form.method == "post"]
            )
            for form in forms:
                kind = (
                    form.action.split("/")[1:3],
                    tuple(sorted({control.name for control in form.controls})),
                )
                if str(kind) in seen or "logout" in form.action or "lock" in form.action:
                    continue
                seen.add(str(kind))
                with transaction.atomic():
                    values = _filled(form)
                    start = _rows_made()
                    first = _send_for_good(form.action or url, session, values)
                    middle = _rows_made()
                    if first.status_code == 302 and middle != start:
                        tables = [
                            table
                            for table, count in middle.items()
                            if count > start.get(table, 0) and not table.startswith(_NO_RECORD)
                        ]
                        before = _counts(tables)
                        second = _send_for_good(form.action or url, session, values)
                        made = [table for table, count in _counts(tables).items() if count > before[table]]
                        outcome[f"accepted, then {second.status_code}"] += 1
                        if made:
                            twice.append(f"{form.action or url} of {address.name}: {made}")
                    else:
                        outcome["refused as it stood" if first.status_code >= 400 else "makes no row"] += 1
                    transaction.set_rollback(True)
            transaction.set_rollback(True)
    record_property(
        "counts",
        f"{sum(outcome.values())} forms replayed: {dict(outcome)}; {len(twice)} made something twice",
    )
    assert not twice, "\n".join(twice)


def _send_for_good(url: str, session: str, values: dict[str, list[str]]) -> HttpResponse:
    return send(url, session, values, keep=True)


def _open_form(client: Client, url: str) -> dict[str, list[str]]:
    form = next(form for form in forms_of(client.get(url).content.decode()) if "text" in form.values())
    return form.values() | {"text": ["Typed while the right was taken away."]}


@pytest.mark.django_db
@pytest.mark.parametrize("loss", ["role", "every role", "team", "account", "password"])
def test_form_that_was_open_changes_nothing_when_the_right_is_gone(
    loss: str, episode: Episode, therapist: User, clinic: Clinic
) -> None:
    Membership.objects.create(clinic=clinic, user=therapist, role=Role.NURSE)
    client = Client()
    client.force_login(therapist)
    url = reverse("process_notes:create", kwargs={"public_id": episode.public_id})
    values = _open_form(client, url)
    match loss:
        case "role":
            Membership.objects.filter(user=therapist, role=Role.THERAPIST).update(ended_at=timezone.now())
        case "every role":
            Membership.objects.filter(user=therapist).update(ended_at=timezone.now())
        case "team":
            episode.team.filter(user=therapist).update(ends_at=timezone.now())
        case "account":
            User.objects.filter(pk=therapist.pk).update(is_active=False)
        case "password":
            therapist.set_password("another long made-up one")
            therapist.save()
    answer = client.post(url, values)
    assert answer.status_code in ({302} if loss in {"account", "password"} else {403, 404})
    assert not ProcessNote.objects.exists()
    if answer.status_code == 302:
        assert answer.url.startswith(reverse("account_login"))


@pytest.mark.django_db
@pytest.mark.parametrize("minutes", [-24 * 60, -61, -1, 1, 14], ids=lambda minutes: f"{minutes:+d} min")
def test_person_works_on_when_the_clock_is_put_right(
    minutes: int, clinic: Clinic, episode: Episode, therapist: User
) -> None:
    at = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
    client = Client()
    with time_machine.travel(at, tick=False):
        client.force_login(therapist)
        assert client.get(reverse("desk:today")).status_code == 200
    with time_machine.travel(at + timedelta(minutes=minutes), tick=False):
        assert client.get(reverse("desk:today")).status_code == 200
        note = write(episode, therapist)
        assert note.created_at == timezone.now()


@pytest.mark.django_db
def test_lock_stays_when_the_clock_goes_back(clinic: Clinic, therapist: User) -> None:
    at = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
    client = Client()
    with time_machine.travel(at, tick=False):
        client.force_login(therapist)
        client.post(reverse("accounts:lock"))
    with time_machine.travel(at - timedelta(hours=1), tick=False):
        assert client.get(reverse("desk:today")).status_code == 423
    sign_in = therapist.sign_ins.get()
    assert screen_of(sign_in, now=at - timedelta(hours=1)) is Screen.LOCKED


WRONG_LINKS = (
    "x",
    "%00",
    "..%2f..%2f",
    "' OR 1=1 --",
    "A" * 4000,
    "%F0%9F%92%A5",
    "0" * 43,
    "<script>kap()</script>",
)


@pytest.mark.django_db
@pytest.mark.parametrize("secret", WRONG_LINKS, ids=range(len(WRONG_LINKS)))
def test_wrong_link_opens_nothing(secret: str, clinic: Clinic, client: Client) -> None:
    for address in (
        f"/account/invitation/{secret}/",
        f"/calendar/feeds/{secret}.ics",
        f"/account/password/reset/key/{secret}-{secret}/",
    ):
        answer = client.get(address, follow=True)
        assert answer.status_code in {200, 400, 404, 410}, address
        body = answer.content.decode()
        assert clinic.name not in body
        assert "<script>kap()" not in body


BIG = "x" * (10 * 1024 * 1024)


@pytest.mark.django_db
def test_ten_megabytes_of_text_are_refused_in_words_and_come_back(
    episode: Episode, therapist: User, record_property: Count
) -> None:
    client = Client()
    client.force_login(therapist)
    url = reverse("process_notes:create", kwargs={"public_id": episode.public_id})
    answer = client.post(url, {"text": BIG, "about_on": timezone.localdate().isoformat()})
    assert answer.status_code == 422
    assert "at most 100000 characters" in answer.content.decode().replace(",", "")
    assert BIG in answer.content.decode(), "nothing typed is lost"
    assert client.post(reverse("desk:draft"), {"action": "save", "key": "k", "body": BIG}).status_code == 422
    assert client.post(reverse("desk:search"), {"q": BIG}).status_code == 200
    assert client.post(url, {"text": BIG + "x" * 3 * 1024 * 1024}).status_code == 400
    assert client.post(url, {f"field{number}": "x" for number in range(1001)}).status_code == 400
    assert not ProcessNote.objects.exists()
    record_property(
        "counts", "3 texts of 10 MB, one of 13 MB, one form of 1,001 fields; none was taken, none broke"
    )
