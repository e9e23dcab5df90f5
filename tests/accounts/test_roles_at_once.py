"""Two managers at the same moment, on a database with real commits."""

import threading

from django.db import connection

from kapclinic.accounts import services
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.refusals import Refused
from tests import factories


def test_one_manager_remains_when_two_end_each_other_at_the_same_moment(committed_db: str) -> None:
    clinic = factories.make_clinic()
    people = [factories.make_member(clinic, Role.MANAGER) for _ in range(2)]
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def end_other(actor: User, other: User) -> None:
        try:
            membership = Membership.objects.get(user=other)
            start.wait()
            services.end_role(membership=membership, actor=actor)
            outcomes.append("ended")
        except Refused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [
        threading.Thread(target=end_other, args=pair)
        for pair in ((people[0], people[1]), (people[1], people[0]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ended", "refused"]
    assert Membership.objects.current().filter(clinic=clinic, role=Role.MANAGER).count() == 1
