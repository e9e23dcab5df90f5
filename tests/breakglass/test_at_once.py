"""One person breaks the glass in two tabs at the same moment, on a database with real commits."""

import threading

from django.db import connection

from episodes.models import Patient
from kapclinic.accounts.models import Role
from kapclinic.breakglass.models import EmergencyAccess
from kapclinic.breakglass.services import break_glass
from kapclinic.clinics.refusals import Refused
from kapclinic.notices.models import Notice, Task
from tests import factories


def test_one_access_opens_when_two_tabs_ask_at_the_same_moment(committed_db: str) -> None:
    clinic = factories.make_clinic()
    therapist = factories.make_member(clinic, Role.THERAPIST)
    factories.make_member(clinic, Role.MANAGER)
    patients = [factories.make_patient(clinic, given_name=name) for name in ("Mei", "Ana")]
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def break_it(patient: Patient) -> None:
        try:
            start.wait()
            actor = factories.make_actor(therapist, clinic)
            break_glass(patient=patient, reason="Found unconscious", actor=actor)
            outcomes.append("open")
        except Refused as refusal:
            outcomes.append(refusal.reasons[0].code)
        finally:
            connection.close()

    threads = [threading.Thread(target=break_it, args=(patient,)) for patient in patients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["one-at-a-time", "open"]
    assert (EmergencyAccess.objects.count(), Notice.objects.count(), Task.objects.count()) == (1, 1, 1)
