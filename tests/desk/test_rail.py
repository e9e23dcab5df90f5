"""The rail marks the one place in which a person is."""

import pytest
from django.test import Client
from django.urls import reverse

from kapclinic.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("who", "address", "label"),
    [
        ("coordinator", "desk:today", "Today"),
        ("coordinator", "desk:patients", "Patients"),
        ("coordinator", "integration:plans", "Calendar"),
        ("coordinator", "integration:waiting", "Calendar"),
        ("coordinator", "integration:capacity", "Calendar"),
        ("coordinator", "administration:settings", "Settings"),
        ("manager", "administration:settings", "Administration"),
        ("manager", "screening:import", "Administration"),
    ],
)
def test_one_place_is_marked(
    client: Client, request: pytest.FixtureRequest, who: str, address: str, label: str
) -> None:
    person: User = request.getfixturevalue(who)
    client.force_login(person)
    page = client.get(reverse(address))
    assert [entry.label for entry in page.context["entries"] if entry.is_here] == [label]
