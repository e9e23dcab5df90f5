"""The pages of screening: who sees what, what is kept on a mistake, pressing twice."""

import uuid

import pytest
from django.urls import reverse

from screening.models import (
    Condition,
    EligibilityDecision,
    Finding,
    HistoryAnswer,
    Medication,
    RiskAssessment,
    StudyResult,
)
from screening.services.facts import record_condition, record_medication
from tests.screening.screening_situations import accept, answer_phq9, decide, local_today, paper, screen

pytestmark = pytest.mark.django_db

ENTER = [
    "history",
    "conditions",
    "medications",
    "vitals",
    "pregnancy",
    "pregnancy-test",
    "results",
    "monitoring",
    "rems",
]
SEE = ["overview"]
TEAM = ["nurse", "therapist", "prescriber"]


def url(name, episode):
    return reverse(f"screening:{name}", args=[episode.public_id])


def get(client, user, name, episode):
    client.force_login(user)
    return client.get(url(name, episode))


@pytest.mark.parametrize("who", [*TEAM, "coordinator"])
@pytest.mark.parametrize("name", ENTER)
def test_the_team_and_the_coordinator_enter(client, episode, name, who, request):
    assert get(client, request.getfixturevalue(who), name, episode).status_code == 200


@pytest.mark.parametrize("name", [*ENTER, *SEE, "risk-assess", "finding-answer", "eligibility-decide"])
def test_a_therapist_off_the_team_finds_nothing(client, episode, name, therapist_off_team):
    assert get(client, therapist_off_team, name, episode).status_code == 404


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("overview", {"nurse", "therapist", "prescriber"}),
        ("risk-assess", {"nurse", "therapist", "prescriber"}),
        ("finding-answer", {"prescriber"}),
        ("eligibility-decide", {"prescriber"}),
    ],
)
@pytest.mark.parametrize("who", [*TEAM, "coordinator"])
def test_each_page_is_for_its_roles(client, episode, name, allowed, who, request):
    status = get(client, request.getfixturevalue(who), name, episode).status_code
    assert status == (200 if who in allowed else 403)


def test_another_clinic_finds_nothing(client, episode, other_clinic):
    from kapclinic.accounts.models import Role
    from tests.factories import make_member

    stranger = make_member(other_clinic, Role.PRESCRIBER)
    assert get(client, stranger, "overview", episode).status_code == 404


def test_the_coordinator_does_not_read_answers(client, episode, nurse, coordinator):
    screen(episode, nurse, aneurysm="yes")
    text = get(client, coordinator, "history", episode).content.decode()
    assert 'value="yes" checked' not in text
    assert 'value="no" checked' not in text


def test_history_is_saved_and_kept_on_a_refusal(client, episode, nurse):
    client.force_login(nurse)
    response = client.post(url("history", episode), {"q-aneurysm": "yes", "q-migraine": "no"})
    assert response.status_code == 302
    assert HistoryAnswer.objects.current().count() == 2
    refused = client.post(url("history", episode), {"q-aneurysm": "no", "q-seizure": "yes"})
    assert refused.status_code == 422
    text = refused.content.decode()
    assert "A prescriber corrects it with evidence" in text
    assert 'name="q-seizure" value="yes" checked' in text
    assert HistoryAnswer.objects.current().get(question="aneurysm").answer == "yes"


def test_a_prescriber_corrects_with_evidence_in_the_form(client, episode, nurse, prescriber):
    screen(episode, nurse, aneurysm="yes")
    client.force_login(prescriber)
    without = client.post(url("history", episode), {"q-aneurysm": "no"})
    assert without.status_code == 422
    assert "Attach the paper" in without.content.decode()
    data = {"q-aneurysm": "no", "change_reason": "MRA of 3 May is normal.", "evidence_file": paper()}
    assert client.post(url("history", episode), data).status_code == 302
    assert not Finding.objects.filter(cleared_at__isnull=True).exists()


def test_the_overview_says_what_is_missing_and_what_was_found(client, episode, nurse):
    screen(episode, nurse, aneurysm="yes", sleep_apnoea="yes", psychosis_family="yes")
    text = get(client, nurse, "overview", episode).content.decode()
    assert "Not while this stands" in text
    assert "Sleep apnoea makes sedation riskier." in text
    assert "Spravato label" in text
    assert "practice guide G2" in text
    assert "Correct with evidence" not in text


def test_an_empty_record_shows_a_checklist_and_no_error(client, episode, therapist):
    text = get(client, therapist, "overview", episode).content.decode()
    assert "Not known yet" in text
    assert "History: Heart and blood vessels" in text


def test_pressing_twice_adds_one_condition(client, episode, nurse):
    client.force_login(nurse)
    data = {"kind": "renal", "status": "active", "event_precision": "day", "request_key": str(uuid.uuid4())}
    for _ in range(2):
        assert client.post(url("conditions", episode), data).status_code == 302
    assert Condition.objects.count() == 1


def test_a_wrong_day_is_shown_at_its_field_and_everything_typed_is_kept(client, episode, nurse):
    client.force_login(nurse)
    data = {
        "kind": "stroke",
        "status": "resolved",
        "event_on": "2999-01-01",
        "event_precision": "day",
        "note": "told by the daughter",
    }
    response = client.post(url("conditions", episode), data)
    assert response.status_code == 422
    assert response.context["form"].errors["event_on"] == ["The event cannot lie in the future."]
    assert "told by the daughter" in response.content.decode()


def test_a_condition_is_changed_by_a_new_entry(client, episode, nurse):
    row = record_condition(
        episode=episode,
        values={"kind": "renal", "status": "active"},
        actor=nurse,
    )
    client.force_login(nurse)
    response = client.post(
        reverse("screening:condition-change", args=[row.pk]),
        {"kind": "renal", "status": "stable", "event_precision": "day", "request_key": str(uuid.uuid4())},
    )
    assert response.status_code == 302
    row.refresh_from_db()
    assert row.status == "active"
    assert row.superseded_by.status == "stable"


def test_the_class_is_shown_while_typing(client, episode, nurse):
    client.force_login(nurse)

    def shown(name):
        return client.post(url("medication-recognise", episode), {"name": name}).content.decode()

    assert "Benzodiazepine" in shown("Xanax 0.5 mg")
    assert "no rule concerns it" in shown("sertraline")
    assert 'data-suggest="lorazepam"' in shown("lorazapam")
    assert "Unclassified: &lt;b&gt;odd&lt;" in shown("<b>odd</b>")
    assert "looked up while you type" in shown(" ")


def test_an_unclassified_medication_is_seen_and_classified(client, episode, nurse, prescriber):
    client.force_login(nurse)
    client.post(url("medications", episode), {"name": "Zyxotriptin", "request_key": str(uuid.uuid4())})
    row = Medication.objects.get()
    assert "unclassified" in client.get(url("medications", episode)).content.decode()
    classify = reverse("screening:medication-classify", args=[row.pk])
    assert client.get(classify).status_code == 403
    client.force_login(prescriber)
    assert client.post(classify, {"classes": [], "reason": ""}).status_code == 422
    response = client.post(classify, {"classes": ["stimulant"], "reason": "A new stimulant."})
    assert response.status_code == 302
    assert Finding.objects.filter(code="MED-STIMULANT", cleared_at__isnull=True).exists()


def test_a_result_keeps_its_paper(client, episode, nurse):
    client.force_login(nurse)
    data = {
        "kind": "ecg",
        "title": "ECG",
        "performed_on": local_today(episode).isoformat(),
        "evidence_file": paper("ecg.png"),
        "request_key": str(uuid.uuid4()),
    }
    assert client.post(url("results", episode), data).status_code == 302
    assert StudyResult.objects.get().evidence.filename == "ecg.png"
    bad = {**data, "request_key": str(uuid.uuid4()), "evidence_file": paper("notes.exe")}
    bad["evidence_file"].file.write(b"MZ not a picture")
    response = client.post(url("results", episode), bad)
    assert response.status_code == 422 or StudyResult.objects.count() == 2


def test_the_medication_list_is_gone_through(client, episode, nurse):
    client.force_login(nurse)
    data = {"reviewed_on": local_today(episode).isoformat(), "takes_none": "on"}
    assert client.post(url("medication-review", episode), data).status_code == 302
    assert "Takes no medication." in client.get(url("medications", episode)).content.decode()
    record_medication(episode=episode, values={"name": "sertraline"}, actor=nurse)
    response = client.post(url("medication-review", episode), data, follow=True)
    assert "stop or strike them first" in response.content.decode()


def test_a_risk_assessment_is_recorded_and_the_last_one_prefilled(client, episode, nurse, therapist):
    answer_phq9(episode, nurse, item_nine=1)
    client.force_login(therapist)
    page = client.get(url("risk-assess", episode))
    assert "PHQ-9 item 9 = 1." in page.content.decode()
    data = {
        "outcome": "passive",
        "method": "Interview",
        "protective_plan": "Sister",
        "disposition": "safety-plan",
        "request_key": str(uuid.uuid4()),
    }
    for _ in range(2):
        assert client.post(url("risk-assess", episode), data).status_code == 302
    first = RiskAssessment.objects.get()
    text = client.get(url("risk-assess", episode)).content.decode()
    assert "Filled in from" in text
    assert "Sister" in text
    client.post(url("risk-assess", episode), {**data, "unchanged": "on", "request_key": str(uuid.uuid4())})
    assert RiskAssessment.objects.exclude(pk=first.pk).get().unchanged_since == first


def decision_data(episode, **changes):
    return {
        "outcome": "eligible",
        "rationale": "Benefit outweighs risk.",
        "valid_until": local_today(episode).isoformat(),
        "request_key": str(uuid.uuid4()),
        **changes,
    }


def answer_data(code, evidence_hash, **changes):
    data = {"evidence_hash": evidence_hash, "outcome": "accept", "rationale": "Weighed.", "scope": "episode"}
    return {f"{code}-{name}": value for name, value in (data | changes).items()}


def test_a_decision_and_its_answers_are_signed_in_one_form(client, episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes")
    finding = Finding.objects.get(code="CI-SLEEP-APNEA")
    client.force_login(prescriber)
    assert "Sleep apnoea" in client.get(url("eligibility-decide", episode)).content.decode()
    data = decision_data(episode) | answer_data("CI-SLEEP-APNEA", finding.evidence_hash)
    for _ in range(2):
        assert client.post(url("eligibility-decide", episode), data).status_code == 302
    assert EligibilityDecision.objects.count() == 1
    assert "in force until" in client.get(url("overview", episode)).content.decode()


def test_a_refused_decision_keeps_what_was_typed_and_marks_the_finding(client, episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes")
    finding = Finding.objects.get(code="CI-SLEEP-APNEA")
    client.force_login(prescriber)
    data = decision_data(episode, rationale="My long thoughts") | answer_data(
        "CI-SLEEP-APNEA", finding.evidence_hash, rationale=""
    )
    response = client.post(url("eligibility-decide", episode), data)
    assert response.status_code == 422
    text = response.content.decode()
    assert "My long thoughts" in text
    assert "Nothing is signed yet." in text
    assert "say why" in text
    assert not EligibilityDecision.objects.exists()


def test_findings_are_answered_without_a_new_decision(client, episode, nurse, prescriber):
    screen(episode, nurse)
    decide(episode, prescriber)
    record_medication(episode=episode, values={"name": "Adderall"}, actor=nurse)
    finding = Finding.objects.get(code="MED-STIMULANT")
    client.force_login(prescriber)
    page = client.get(url("finding-answer", episode))
    assert page.status_code == 200
    data = {"request_key": str(uuid.uuid4())} | answer_data("MED-STIMULANT", finding.evidence_hash)
    assert client.post(url("finding-answer", episode), data).status_code == 302
    assert finding.answers.get().outcome == "accept"
    assert accept("X", "y").outcome == "accept"


def test_a_fact_is_retracted_with_evidence_by_a_prescriber(client, episode, nurse, prescriber):
    row = record_condition(episode=episode, values={"kind": "avm", "status": "active"}, actor=nurse)
    address = reverse("screening:retract", args=["condition", row.pk])
    client.force_login(nurse)
    assert client.get(address).status_code == 403
    client.force_login(prescriber)
    assert client.get(address).status_code == 200
    assert client.post(address, {"change_reason": "wrong"}).status_code == 422
    assert (
        client.post(address, {"change_reason": "another patient", "evidence_file": paper()}).status_code
        == 302
    )
    row.refresh_from_db()
    assert row.is_struck
    assert client.get(reverse("screening:retract", args=["nonsense", row.pk])).status_code == 404


def test_names_with_markup_are_shown_as_text(client, episode, nurse):
    record_condition(
        episode=episode,
        values={"kind": "other", "name": "<script>alert(1)</script> “ü” 🙂", "status": "active"},
        actor=nurse,
    )
    text = get(client, nurse, "conditions", episode).content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
