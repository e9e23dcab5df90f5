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
from kapclinic.administration.forms.settings import DecisionForm, ProposalForm

__all__ = [
    "ClinicForm",
    "CompetencyForm",
    "DecisionForm",
    "GrantRoleForm",
    "InviteForm",
    "LicenceForm",
    "ProposalForm",
    "RenewLicenceForm",
    "RoomForm",
    "StrikeForm",
    "TrainingForm",
]
