"""One made-up patient walks from referral to closing: every step by the right role, in the browser, on real processes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser import journey_after as after
from tests.browser import journey_beginning as beginning
from tests.browser import journey_dose as dose
from tests.browser.journey_people import Staff
from tests.live import LiveClinic

pytestmark = pytest.mark.timeout(900)


def test_a_patient_is_taken_from_referral_to_closing(
    live_clinic: LiveClinic, new_page: Callable[[], Page]
) -> None:
    staff = Staff(new_page)

    beginning.register(staff)
    beginning.open_episode(staff)
    beginning.answer_questionnaires(staff)
    beginning.take_history(staff)
    beginning.assess_risk(staff)
    beginning.decide(staff)
    beginning.move_to(staff, "screening")
    beginning.record_consents(staff)
    beginning.move_to(staff, "preparation")

    dose.prepare(staff)
    after.refuse_the_wrong(staff)
    dose.begin_treatment(staff)
    dose.plan_dose(staff)
    dose.check_in(staff)
    after.hand_over_to_prescriber(staff)
    dose.order(staff)
    dose.give(staff)
    dose.leave(staff)

    after.find_the_appointment(staff)
    after.tell_the_patient(staff)
    after.integrate(staff)
    after.hand_over_to_therapist(staff)
    after.answer_the_incident(staff)
    after.look_at_outcomes(staff)
    after.close(staff)
