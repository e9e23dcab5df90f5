"""Forms of the administration."""

from kapclinic.administration.forms.house import ClinicForm, RoomForm
from kapclinic.administration.forms.people import (
    CompetencyForm,
    GrantRoleForm,
    InviteForm,
    LicenceForm,
    RenewLicenceForm,
    StrikeForm,
    TrainingForm,
)
from kapclinic.administration.forms.review import EventFilterForm, ReadReviewForm
from kapclinic.administration.forms.settings import DecisionForm, ProposalForm

__all__ = [
    "ClinicForm",
    "CompetencyForm",
    "DecisionForm",
    "EventFilterForm",
    "GrantRoleForm",
    "InviteForm",
    "LicenceForm",
    "ProposalForm",
    "ReadReviewForm",
    "RenewLicenceForm",
    "RoomForm",
    "StrikeForm",
    "TrainingForm",
]
