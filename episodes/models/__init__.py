"""Patient, episode, care team, protocol and consent: the spine that every stage hangs on."""

from episodes.models.allergies import Allergy, AllergyKind
from episodes.models.consents import SHAREABLE, Consent, ConsentKind, RecipientPart
from episodes.models.episode import (
    CareTeamMember,
    Episode,
    EpisodeEvent,
    EpisodeQuerySet,
    Goal,
    Indication,
    OutsideClinician,
    TeamPart,
)
from episodes.models.patient import Patient, PatientQuerySet, SexAtBirth
from episodes.models.protocol import Protocol, ProtocolVersion

__all__ = [
    "SHAREABLE",
    "Allergy",
    "AllergyKind",
    "CareTeamMember",
    "Consent",
    "ConsentKind",
    "Episode",
    "EpisodeEvent",
    "EpisodeQuerySet",
    "Goal",
    "Indication",
    "OutsideClinician",
    "Patient",
    "PatientQuerySet",
    "Protocol",
    "ProtocolVersion",
    "RecipientPart",
    "SexAtBirth",
    "TeamPart",
]
