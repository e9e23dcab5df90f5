"""How the record finds the patient behind a thing, without asking the database."""

from typing import Any

from episodes.models import Episode, Patient
from kapclinic.audit.access import Subject


def subject_of(thing: Any) -> Subject:
    """Patient and episode as far as the thing itself carries their keys.

    `subject_id` of documents and attachments is the episode's key, or the patient's before there is an episode; both are
    client-made and never collide, so it stands as the episode's.
    """
    if isinstance(thing, Patient):
        return Subject(patient_id=thing.pk)
    if isinstance(thing, Episode):
        return Subject(patient_id=thing.patient_id, episode_id=thing.pk)
    episode_id = getattr(thing, "episode_id", None) or getattr(thing, "subject_id", None)
    if episode_id == getattr(thing, "clinic_id", None):
        # A report about the whole clinic.
        return Subject()
    # An episode that is loaded already knows its patient.
    loaded = getattr(getattr(thing, "_state", None), "fields_cache", {}).get("episode")
    patient_id = getattr(thing, "patient_id", None) or getattr(loaded, "patient_id", None)
    return Subject(patient_id=patient_id, episode_id=episode_id)
