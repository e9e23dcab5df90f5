"""Verbs that change the spine."""

from episodes.services.care_team import (
    add_outside_clinician,
    add_team_member,
    end_team_member,
    grant_cover_access,
)
from episodes.services.consents import record_consent, revoke_consent
from episodes.services.disclosure_list import issue_disclosure_list
from episodes.services.disclosures import (
    disclose_in_emergency,
    give_out,
    open_in_emergency,
    read_note,
)
from episodes.services.episode import close_episode, move_stage, open_episode, record_event, set_goal
from episodes.services.patients import (
    add_allergy,
    possible_duplicates,
    register_patient,
    resolve_allergy,
    update_patient,
)
from episodes.services.protocols import install_protocols, save_protocol_version
from episodes.services.striking import strike_entry

__all__ = [
    "add_allergy",
    "add_outside_clinician",
    "add_team_member",
    "close_episode",
    "disclose_in_emergency",
    "end_team_member",
    "give_out",
    "grant_cover_access",
    "install_protocols",
    "issue_disclosure_list",
    "move_stage",
    "open_episode",
    "open_in_emergency",
    "possible_duplicates",
    "read_note",
    "record_consent",
    "record_event",
    "register_patient",
    "resolve_allergy",
    "revoke_consent",
    "save_protocol_version",
    "set_goal",
    "strike_entry",
    "update_patient",
]
