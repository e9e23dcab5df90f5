"""Forms of the spine: shape and plausible ranges."""

from episodes.forms.consents import ConsentForm, RevokeConsentForm
from episodes.forms.disclosures import EmergencyForm, GiveOutForm
from episodes.forms.episode import CloseEpisodeForm, GoalForm, MoveStageForm, OpenEpisodeForm, StrikeForm
from episodes.forms.patient import AllergyForm, PatientForm
from episodes.forms.protocol import ProtocolVersionForm
from episodes.forms.team import OutsideClinicianForm, TeamMemberForm

__all__ = [
    "AllergyForm",
    "CloseEpisodeForm",
    "ConsentForm",
    "EmergencyForm",
    "GiveOutForm",
    "GoalForm",
    "MoveStageForm",
    "OpenEpisodeForm",
    "OutsideClinicianForm",
    "PatientForm",
    "ProtocolVersionForm",
    "RevokeConsentForm",
    "StrikeForm",
    "TeamMemberForm",
]
