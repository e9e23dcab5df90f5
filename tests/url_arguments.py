"""Objects for the arguments of every address, for the test that walks them all (tests/test_access.py).

Each app says here, beside the name of its address, which object of the clinic stands in it. `situation` is made once for the
walk: an episode with its team, at a clinic with one person of each role. What an entry makes is taken back after its address.
An entry returns the keyword arguments of `reverse`. A new address with arguments needs an entry; the walk fails and says so
when one is missing.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from episodes.models import CareTeamMember, Episode, Patient
from episodes.services import add_allergy, disclose_in_emergency, set_goal
from integration.coursing import Preparing
from integration.models import CourseProposal, IntegrationNeed, NeedPart, PlanCause, PlanProposal
from integration.services import record_session
from integration.services.coursing import CourseAsk
from kapclinic.accounts import services as people
from kapclinic.accounts.models import Invitation, Licence, Membership, Role, SignIn, User
from kapclinic.administration import services as administration
from kapclinic.audit.models import Oddity, UnusualRead
from kapclinic.breakglass.models import EmergencyAccess
from kapclinic.clinics.models import Clinic, Room
from kapclinic.documents import kinds
from kapclinic.documents.models import Document, Medium
from kapclinic.documents.services import issue_document, store_attachment
from kapclinic.jobs.models import Job, JobState
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Notice, Task
from kapclinic.notices.services import notify, open_task
from kapclinic.scheduling.models import AppointmentKind, HandChange, Part
from kapclinic.scheduling.services import (
    add_holiday,
    add_patient_absence,
    add_working_hours,
    book_appointment,
    make_feed,
)
from screening.importing.services import receive_upload
from screening.services.facts import record_condition, record_medication
from sessions.dose import Drug, Route
from sessions.models import Administration, DoseOrder, Incident, PreparationSession
from sessions.services import record_administration, record_challenge, report_adverse_event
from tests import factories
from tests.documents.situations import make_snapshot
from tests.process_notes import situations as process_notes
from tests.screening.screening_situations import answer_phq9, paper
from tests.sessions import situations as dosing


@dataclass
class Situation:
    """A clinic at work. `team` holds one person for each role: the clinical ones are on the episode's team."""

    clinic: Clinic
    team: dict[Role, User]

    @property
    def manager(self) -> User:
        """The clinic's manager."""
        return self.team[Role.MANAGER]

    @property
    def coordinator(self) -> User:
        """The coordinator, who puts down what is nobody's own."""
        return self.team[Role.COORDINATOR]

    @cached_property
    def dosing_room(self) -> dosing.Room:
        """Another patient of the same team, with a dose that was given and ended."""
        team = self.team
        patient = factories.make_patient(self.clinic, self.coordinator, given_name="Ana")
        room = dosing.make_room(
            self.clinic, patient, team[Role.NURSE], team[Role.THERAPIST], team[Role.PRESCRIBER]
        )
        room.whole_dose()
        return room

    @cached_property
    def patient(self) -> Patient:
        """A registered patient, put down by the coordinator."""
        return factories.make_patient(self.clinic, self.team[Role.COORDINATOR])

    @cached_property
    def episode(self) -> Episode:
        """The patient's open episode; the coordinator opened it, so nobody on the team owns it by that."""
        episode = factories.make_episode(
            self.patient,
            prescriber=self.team[Role.PRESCRIBER],
            therapist=self.team[Role.THERAPIST],
            nurse=self.team[Role.NURSE],
        )
        Episode.objects.filter(pk=episode.pk).update(created_by=self.team[Role.COORDINATOR])
        episode.refresh_from_db()
        return episode

    def prepare(self) -> None:
        """Make the two patients, so that what is made for one address finds them and leaves them as they were."""
        _ = self.episode, self.dosing_room


Arguments = Callable[[Situation], dict[str, Any]]

# By the name of the address, with its namespace.
BY_NAME: dict[str, Arguments] = {}
# Addresses of a thing that is no patient's, with the role whose person on the team owns it; None where nobody does.
OF_CLINIC: dict[str, Role | None] = {
    "scheduling:roster": Role.THERAPIST,
    "scheduling:roster-withdraw": Role.THERAPIST,
    "scheduling:room-hours": None,
    "scheduling:holiday-withdraw": None,
    **{f"integration:plan-{page}": None for page in ("detail", "apply", "look-again", "drop", "undo")},
    **{f"documents:reports-{page}": None for page in ("detail", "status", "retry", "file")},
    **{
        f"process_notes:{page}": Role.THERAPIST
        for page in ("detail", "strike", "addendum", "release", "open", "release-revoke", "transfer-receive")
    },
    "process_notes:released": Role.PRESCRIBER,
    "process_notes:transfer-withdraw": None,
}
# By the name of the argument, where every address means the same by it.
BY_ARGUMENT: dict[str, Callable[[Situation], Any]] = {}


def for_address(*names: str) -> Callable[[Arguments], Arguments]:
    """Register the decorated function as the maker of the arguments of these addresses."""

    def register(function: Arguments) -> Arguments:
        for name in names:
            if name in BY_NAME:
                raise ValueError(f"{name} has two entries in tests/url_arguments.py")
            BY_NAME[name] = function
        return function

    return register


# Accounts and administration


@for_address(
    "administration:person",
    "administration:sign-ins-end",
    "administration:second-step-remove",
    "administration:licence-add",
    "administration:training-add",
    "administration:competency-add",
)
def _person(situation: Situation) -> dict[str, Any]:
    return {"pk": situation.team[Role.NURSE].pk}


@for_address("administration:role-end", "administration:role-director")
def _membership(situation: Situation) -> dict[str, Any]:
    spare = factories.make_member(situation.clinic, Role.COORDINATOR)
    return {"pk": Membership.objects.get(user=spare).pk}


@for_address("administration:licence-change")
def _licence(situation: Situation) -> dict[str, Any]:
    return {"pk": Licence.objects.filter(user=situation.team[Role.NURSE]).values_list("pk", flat=True)[0]}


@for_address("administration:training-strike")
def _training(situation: Situation) -> dict[str, Any]:
    training = people.record_training(
        user=situation.team[Role.NURSE], clinic=situation.clinic, kind="didactic", hours=Decimal(2),
        completed_on=date(2026, 1, 5), actor=situation.manager,
    )  # fmt: skip
    return {"pk": training.pk}


@for_address("administration:competency-end")
def _competency(situation: Situation) -> dict[str, Any]:
    competency = people.record_competency(
        user=situation.team[Role.THERAPIST], clinic=situation.clinic, kind="crisis", basis="supervision",
        since=date(2026, 1, 5), actor=situation.manager,
    )  # fmt: skip
    return {"pk": competency.pk}


@for_address("administration:invitation-resend", "administration:invitation-revoke")
def _invitation(situation: Situation) -> dict[str, Any]:
    invitation = Invitation.objects.create(
        clinic=situation.clinic, email="invited@demo.example", name="Demo Invited", roles=[Role.NURSE],
        token_digest=uuid.uuid4().hex, expires_at=timezone.now() + timedelta(days=1), created_by=situation.manager,
    )  # fmt: skip
    return {"pk": invitation.pk}


@for_address("accounts:invitation-follow")
def _link(_situation: Situation) -> dict[str, Any]:
    return {"secret": "a-link-that-nobody-sent"}


@for_address("openid_connect_login", "openid_connect_callback")
def _provider(_situation: Situation) -> dict[str, Any]:
    return {"provider_id": "clinic"}


@for_address("mfa_remove_webauthn")
def _passkey(_situation: Situation) -> dict[str, Any]:
    return {"pk": 1}


@for_address("breakglass:mine", "breakglass:end", "breakglass:review")
def _emergency_access(situation: Situation) -> dict[str, Any]:
    now = timezone.now()
    reader = factories.make_member(situation.clinic, Role.NURSE)
    access = EmergencyAccess.objects.create(
        clinic=situation.clinic, user=reader, patient=situation.patient, reason="Found unconscious", opened_at=now,
        until=now + timedelta(hours=1), created_by=reader,
    )  # fmt: skip
    return {"pk": access.pk}


@for_address("accounts:sign-in-end")
def _sign_in(situation: Situation) -> dict[str, Any]:
    now = timezone.now()
    return {"pk": SignIn.objects.create(user=situation.manager, began_at=now, seen_at=now).pk}


@for_address("account_reset_password_from_key")
def _reset_link(_situation: Situation) -> dict[str, Any]:
    return {"uidb36": "a1", "key": "not-a-key"}


@for_address("administration:room")
def _room(situation: Situation) -> dict[str, Any]:
    return {"pk": Room.objects.filter(clinic=situation.clinic).values_list("pk", flat=True)[0]}


@for_address("administration:setting")
def _setting(_situation: Situation) -> dict[str, Any]:
    return {"key": "accounts.licence_warn_days"}


@for_address("administration:proposal-decide", "administration:proposal-withdraw")
def _proposal(situation: Situation) -> dict[str, Any]:
    proposal = administration.propose_setting(
        clinic=situation.clinic,
        key="accounts.licence_warn_days",
        value=90,
        reason="made up",
        actor=situation.manager,
    )
    return {"pk": proposal.pk}


@for_address("administration:review-answer")
def _unusual_read(situation: Situation) -> dict[str, Any]:
    read = UnusualRead.objects.create(
        clinic_id=situation.clinic.pk, kind=Oddity.NIGHT, key=f"walk:{uuid.uuid4()}",
        user_id=situation.team[Role.NURSE].pk, first_at=timezone.now(), last_at=timezone.now(), number=1,
    )  # fmt: skip
    return {"pk": read.pk}


# Inbox and jobs


@for_address("notices:open")
def _notice(situation: Situation) -> dict[str, Any]:
    notify(clinic=situation.clinic, receivers=[situation.team[Role.NURSE]], key="walk", title="Made up")
    return {"pk": Notice.objects.get(clinic=situation.clinic, key="walk").pk}


@for_address("notices:task-complete")
def _task(situation: Situation) -> dict[str, Any]:
    task: Task = open_task(
        clinic=situation.clinic, key=f"walk:{uuid.uuid4()}", kind="walk", title="Made up", role=Role.NURSE,
        person=situation.team[Role.NURSE],
    )  # fmt: skip
    return {"pk": task.pk}


@for_address("jobs:retry")
def _job(situation: Situation) -> dict[str, Any]:
    job = Job.objects.create(
        clinic=situation.clinic,
        kind="walk",
        key=f"walk:{uuid.uuid4()}",
        state=JobState.FAILED,
        due_at=timezone.now(),
    )
    return {"pk": job.pk}


# The spine

BY_ARGUMENT["public_id"] = lambda situation: situation.episode.public_id


@for_address(
    "episodes:patient-detail", "episodes:patient-edit", "episodes:allergy-add", "episodes:episode-open"
)
def _patient(situation: Situation) -> dict[str, Any]:
    # The therapist and the prescriber know the patient by the episode.
    return {"public_id": situation.episode.patient.public_id}


@for_address("episodes:allergy-resolve")
def _allergy(situation: Situation) -> dict[str, Any]:
    allergy = add_allergy(patient=situation.episode.patient, actor=situation.coordinator, substance="latex")
    return {"pk": allergy.pk}


@for_address("episodes:goal-reword")
def _goal(situation: Situation) -> dict[str, Any]:
    return {"pk": set_goal(episode=situation.episode, text="Made up.", actor=situation.coordinator).pk}


@for_address("episodes:team-end")
def _team_member(situation: Situation) -> dict[str, Any]:
    member = CareTeamMember.objects.filter(episode=situation.episode, user=situation.team[Role.NURSE]).get()
    return {"pk": member.pk}


@for_address("episodes:consent-revoke")
def _consent(situation: Situation) -> dict[str, Any]:
    return {"pk": factories.make_treatment_consent(situation.episode, situation.coordinator).pk}


@for_address("episodes:strike")
def _entry(situation: Situation) -> dict[str, Any]:
    consent = factories.make_treatment_consent(situation.episode, situation.coordinator)
    return {"label": consent._meta.label_lower, "pk": consent.pk}


@for_address("episodes:protocol-detail", "episodes:protocol-new-version")
def _protocol(_situation: Situation) -> dict[str, Any]:
    return {"slug": "preparation-integration"}


# Preparation and dosing: a dose that was given and ended, with what belongs to it


@for_address(
    "dosing:session-detail", "dosing:session-call-off", "dosing:session-setting", "dosing:session-complete", "dosing:check-in",
    "dosing:order-new", "dosing:order-telephone", "dosing:order-preview", "dosing:day-findings", "dosing:start",
    "dosing:given", "dosing:medicine", "dosing:vitals", "dosing:log", "dosing:adverse-event", "dosing:leaving-check",
    "dosing:ending", "handoffs:write-to-prescriber", "handoffs:write-to-therapist", "handoffs:instruction-sheet",
)  # fmt: skip
def _dosing_session(situation: Situation) -> dict[str, Any]:
    return {"pk": situation.dosing_room.session.pk}


@for_address("dosing:order-countersign", "dosing:order-cancel")
def _order(situation: Situation) -> dict[str, Any]:
    return {"pk": DoseOrder.objects.filter(session=situation.dosing_room.session).latest("created_at").pk}


@for_address("dosing:stop", "dosing:given-correct")
def _administration(situation: Situation) -> dict[str, Any]:
    return {
        "pk": Administration.objects.filter(session=situation.dosing_room.session).latest("created_at").pk
    }


@for_address("dosing:vitals-correct")
def _vitals(situation: Situation) -> dict[str, Any]:
    return {"pk": situation.dosing_room.vitals(60).pk}


@for_address(
    "dosing:preparation-detail",
    "dosing:preparation-edit",
    "dosing:preparation-sign",
    "dosing:preparation-addendum",
)
def _preparation(situation: Situation) -> dict[str, Any]:
    return {"pk": PreparationSession.objects.get(episode=situation.dosing_room.episode).pk}


@for_address("dosing:challenge")
def _challenge_class(situation: Situation) -> dict[str, Any]:
    return {"pk": situation.dosing_room.session.pk, "kind": "trauma"}


@for_address("dosing:challenge-answer")
def _challenge(situation: Situation) -> dict[str, Any]:
    room = situation.dosing_room
    challenge = record_challenge(
        session=room.session,
        details={"kind": "trauma", "began_at": room.at(20), "steps_taken": ["grounding"]},
        actor=room.therapist,
        now=room.at(60),
    )
    return {"pk": challenge.pk}


@for_address("dosing:adverse-event-update", "dosing:adverse-event-review")
def _adverse_event(situation: Situation) -> dict[str, Any]:
    room = situation.dosing_room
    event = report_adverse_event(
        session=room.session,
        details={
            "term": "Vomiting",
            "began_at": room.at(30),
            "grade": 2,
            "is_serious": True,
            "serious_criteria": ["hospitalisation"],
        },
        actor=room.nurse,
        now=room.at(60),
    )
    return {"pk": event.pk}


@for_address("dosing:incident-answer")
def _incident(situation: Situation) -> dict[str, Any]:
    room = situation.dosing_room
    # Another drug than the one that was ordered: the prescriber owes an answer.
    details = room.given(
        60, drug=Drug.ESKETAMINE, route=Route.INTRANASAL, ended_at=room.at(65), amount_mg=Decimal("28.0")
    )
    given = record_administration(session=room.session, details=details, actor=room.nurse, now=room.at(70))
    return {"pk": Incident.objects.get(subject=f"administration:{given.pk}").pk}


def _booked(kind: AppointmentKind, situation: Situation) -> dict[str, Any]:
    """A booking of the patient who had a dose, the day after it."""
    room = situation.dosing_room
    starts_at = room.start + timedelta(days=1)
    appointment = book_appointment(
        clinic=situation.clinic,
        kind=kind,
        episode=room.episode,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=50),
        people=[(room.therapist, Part.THERAPIST)],
        actor=situation.coordinator,
        roles=frozenset(Role),
        reason="made up",
        now=room.at(120),
    )
    return {"pk": appointment.pk}


for_address("dosing:preparation-of-appointment")(partial(_booked, AppointmentKind.PREPARATION))
for_address("dosing:session-of-appointment")(partial(_booked, AppointmentKind.DOSING))


# Integration: the windows of that dose


@for_address(
    "integration:need-detail",
    "integration:need-apply",
    "integration:need-miss",
    "integration:need-repair",
    "integration:need-repair-undo",
)
def _need(situation: Situation) -> dict[str, Any]:
    need = IntegrationNeed.objects.get(dose=situation.dosing_room.session, part=NeedPart.PRIMARY)
    return {"pk": need.pk}


@for_address(
    "integration:plan-detail",
    "integration:plan-apply",
    "integration:plan-look-again",
    "integration:plan-drop",
    "integration:plan-undo",
)
def _plan(situation: Situation) -> dict[str, Any]:
    plan = PlanProposal.objects.create(
        clinic=situation.clinic, key="asked:walk", cause=PlanCause.ASKED, title="A made-up plan"
    )
    return {"pk": plan.pk}


@for_address(
    "integration:course-detail",
    "integration:course-adjust",
    "integration:course-book",
    "integration:course-drop",
    "integration:course-undo",
)
def _course(situation: Situation) -> dict[str, Any]:
    ask = CourseAsk(
        doses=4,
        first=timezone.localdate() + timedelta(days=10),
        weekdays=(),
        earliest=time(9),
        wanted=time(9),
        latest=time(17),
        preparing=Preparing.SHARED,
        therapist=str(situation.team[Role.THERAPIST].pk),
        at_doses=False,
        nurse=str(situation.team[Role.NURSE].pk),
    )
    start = timezone.now() + timedelta(days=12)
    dose = {
        "number": 1, "is_on": True, "starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=3)).isoformat(),
        "room": None, "others": [(start + timedelta(hours=1)).isoformat()], "reasons": [],
    }  # fmt: skip
    session = {
        "dose": 1, "talk": "integration", "is_on": True, "starts_at": (start + timedelta(hours=30)).isoformat(),
        "ends_at": (start + timedelta(hours=31)).isoformat(), "person": ask.therapist, "room": None, "place": "telehealth",
        "prepares": 2,
    }  # fmt: skip
    without = {"number": 2, "starts_at": None, "ends_at": None, "others": [], "reasons": ["No time."]}
    course = CourseProposal.objects.create(
        clinic=situation.clinic,
        episode=situation.episode,
        key=uuid.uuid4(),
        asked=ask.as_data(),
        doses=[dose, {**dose, **without}],
        sessions=[session],
        missing=[{"dose": 1, "talk": "preparation", "reasons": ["No time."]}],
        looked_at=timezone.now(),
        created_by=situation.coordinator,
    )
    return {"pk": course.pk}


for_address("integration:session-hold")(partial(_booked, AppointmentKind.INTEGRATION))


@for_address("integration:session-detail", "integration:session-addendum")
def _integration_session(situation: Situation) -> dict[str, Any]:
    room = situation.dosing_room
    session = record_session(
        episode=room.episode,
        held_from=room.at(24 * 60),
        held_until=room.at(25 * 60),
        therapist=room.therapist,
        actor=room.therapist,
        now=room.at(26 * 60),
    )
    return {"pk": session.pk}


# Handoffs


@for_address("handoffs:detail", "handoffs:amend-to-therapist", "handoffs:heard")
def _to_therapist(situation: Situation) -> dict[str, Any]:
    from tests.handoffs.situations import TO_THERAPIST, signed

    return {"pk": signed(situation.dosing_room, TO_THERAPIST).pk}


@for_address("handoffs:amend-coordination")
def _coordination(situation: Situation) -> dict[str, Any]:
    from tests.handoffs.situations import COORDINATION, signed

    return {"pk": signed(situation.dosing_room, COORDINATION).pk}


@for_address("handoffs:amend-emergency")
def _emergency(situation: Situation) -> dict[str, Any]:
    from tests.handoffs.situations import EMERGENCY, signed

    return {"pk": signed(situation.dosing_room, EMERGENCY).pk}


@for_address("handoffs:amend-to-prescriber", "handoffs:acknowledge")
def _to_prescriber(situation: Situation) -> dict[str, Any]:
    from tests.handoffs.situations import TO_PRESCRIBER, signed

    return {"pk": signed(situation.dosing_room, TO_PRESCRIBER).pk}


# Process notes: the therapist's own, one released to the prescriber, and a custodian who waits


@for_address(
    "process_notes:detail",
    "process_notes:strike",
    "process_notes:addendum",
    "process_notes:release",
    "process_notes:open",
)
def _process_note(situation: Situation) -> dict[str, Any]:
    return {"pk": process_notes.write(situation.episode, situation.team[Role.THERAPIST]).pk}


@for_address("process_notes:release-revoke", "process_notes:released")
def _released_note(situation: Situation) -> dict[str, Any]:
    note = process_notes.write(situation.episode, situation.team[Role.THERAPIST], signed=True)
    return {"pk": process_notes.release(note, situation.team[Role.PRESCRIBER]).pk}


@for_address("process_notes:transfer-receive", "process_notes:transfer-withdraw")
def _transfer(situation: Situation) -> dict[str, Any]:
    gone = factories.make_member(situation.clinic, Role.THERAPIST, ended_at=timezone.now())
    custodian = situation.team[Role.THERAPIST]
    return {"pk": process_notes.hand_over(gone, custodian, situation.clinic, situation.manager).pk}


# Documents: one of each shelf


def _document(action: str, situation: Situation) -> dict[str, Any]:
    document = issue_document(
        clinic=situation.clinic,
        kind=min(kinds.with_action(action)),
        subject_id=situation.clinic.pk if action == "outcomes.export" else situation.episode.pk,
        title="Made up",
        snapshot=make_snapshot(),
        actor=situation.coordinator,
        now=timezone.now(),
    )
    return {"pk": document.pk}


def _printed_document(action: str, situation: Situation) -> dict[str, Any]:
    arguments = _document(action, situation)
    run_due(queue="documents")
    return arguments


for _shelf, _action in (
    ("records", "document.read"),
    ("handoffs", "handoff.read"),
    ("sheets", "document.instructions"),
    ("reports", "outcomes.export"),
    ("disclosures", "disclosure.list"),
):
    for_address(*(f"documents:{_shelf}-{_page}" for _page in ("detail", "status", "retry")))(
        partial(_document, _action)
    )
    for_address(f"documents:{_shelf}-file")(partial(_printed_document, _action))


for_address("documents:check-document")(partial(_document, "document.read"))
for_address("episodes:give-out", "episodes:emergency")(partial(_document, "document.read"))


@for_address("episodes:disclosure-copy")
def _disclosure(situation: Situation) -> dict[str, Any]:
    document = Document.objects.get(**_document("document.read", situation))
    row = disclose_in_emergency(
        document=document,
        episode=situation.episode,
        receiver_name="Dr Made Up",
        affiliation="Demo Hospital",
        medium=Medium.PAPER,
        reason="Made up",
        actor=factories.make_actor(situation.team[Role.THERAPIST], situation.clinic),
    )
    return {"pk": row.pk}


@for_address("documents:attachment")
def _attachment(situation: Situation) -> dict[str, Any]:
    attachment = store_attachment(
        clinic=situation.clinic,
        subject_id=situation.episode.pk,
        title="Made up",
        upload=paper(),
        actor=situation.coordinator,
    )
    return {"pk": attachment.pk}


# Calendar

for_address(
    *(
        f"scheduling:appointment-{_verb}"
        for _verb in ("detail", "move", "cancel", "tell", "arrive", "no-show", "complete")
    )
)(partial(_booked, AppointmentKind.SCREENING))


@for_address("scheduling:change-undo")
def _undoable(situation: Situation) -> dict[str, Any]:
    booked = _booked(AppointmentKind.SCREENING, situation)
    return {"pk": HandChange.objects.get(appointment=booked["pk"]).pk}


@for_address("scheduling:roster")
def _roster(situation: Situation) -> dict[str, Any]:
    return {"person": situation.team[Role.THERAPIST].pk}


@for_address("scheduling:room-hours")
def _room(situation: Situation) -> dict[str, Any]:
    return {"room": Room.objects.filter(clinic=situation.clinic).earliest("name").pk}


@for_address("scheduling:roster-withdraw")
def _hours(situation: Situation) -> dict[str, Any]:
    row = add_working_hours(
        clinic=situation.clinic, person=situation.team[Role.THERAPIST], weekday=1, starts_at=time(9), ends_at=time(17),
        valid_from=date(2026, 1, 5), actor=situation.manager,
    )  # fmt: skip
    return {"what": "hours", "pk": row.pk}


@for_address("scheduling:feed-calendar")
def _feed(situation: Situation) -> dict[str, Any]:
    _, secret = make_feed(person=situation.team[Role.THERAPIST], clinic=situation.clinic)
    return {"secret": secret}


@for_address("scheduling:patient-availability")
def _availability(situation: Situation) -> dict[str, Any]:
    return {"public_id": situation.episode.patient.public_id}


@for_address("scheduling:patient-withdraw")
def _patient_absence(situation: Situation) -> dict[str, Any]:
    starts_at = timezone.now()
    row = add_patient_absence(
        patient=situation.episode.patient, starts_at=starts_at, ends_at=starts_at + timedelta(days=1),
        actor=situation.coordinator,
    )  # fmt: skip
    return {"what": "away", "pk": row.pk}


@for_address("scheduling:holiday-withdraw")
def _holiday(situation: Situation) -> dict[str, Any]:
    holiday = add_holiday(
        clinic=situation.clinic, on=date(2027, 1, 1), name="New Year", actor=situation.manager
    )
    return {"pk": holiday.pk}


# Screening: questionnaires, imports, facts


@for_address("screening:response-create")
def _questionnaire(situation: Situation) -> dict[str, Any]:
    return {"public_id": situation.episode.public_id, "instrument_id": "phq-9"}


@for_address("screening:response-detail", "screening:response-saved", "screening:response-correct")
def _response(situation: Situation) -> dict[str, Any]:
    return {"pk": answer_phq9(situation.episode, situation.coordinator).pk}


@for_address("screening:response-review-done")
def _old_answer(situation: Situation) -> dict[str, Any]:
    response = answer_phq9(
        situation.episode, situation.coordinator, item_nine=1, now=timezone.now() - timedelta(days=90)
    )
    return {"pk": response.pk}


@for_address(
    "screening:import-detail",
    "screening:import-prepare",
    "screening:import-abandon",
    "screening:import-progress",
    "screening:import-refused",
)
def _import(situation: Situation) -> dict[str, Any]:
    upload = SimpleUploadedFile("old answers.csv", b"patient_id,completed_at,q1\nA-1,2026-01-05,1\n")
    batch = receive_upload(clinic=situation.clinic, upload=upload, actor=situation.manager)
    return {"pk": batch.pk}


@for_address("screening:condition-change")
def _condition(situation: Situation) -> dict[str, Any]:
    values = {"kind": "avm", "status": "active"}
    return {"pk": record_condition(episode=situation.episode, values=values, actor=situation.coordinator).pk}


@for_address("screening:retract")
def _fact(situation: Situation) -> dict[str, Any]:
    return {"kind": "condition", **_condition(situation)}


@for_address("screening:medication-change", "screening:medication-classify")
def _medication(situation: Situation) -> dict[str, Any]:
    values = {"name": "Something made up"}
    return {"pk": record_medication(episode=situation.episode, values=values, actor=situation.coordinator).pk}


@for_address("desk:today-card")
def _today_card(_situation: Situation) -> dict[str, Any]:
    return {"key": "windows"}
