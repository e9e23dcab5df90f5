"""Verbs over people: roles, credentials, and accepting an invitation."""

from kapclinic.accounts.services.credentials import (
    add_licence,
    end_competency,
    record_competency,
    record_training,
    renew_licence,
    strike_training,
    withdraw_licence,
)
from kapclinic.accounts.services.invitations import (
    accept_as_existing_person,
    accept_as_new_person,
    digest_of,
    invitation_by_digest,
    new_secret,
)
from kapclinic.accounts.services.roles import end_role, grant_role, set_medical_director

__all__ = [
    "accept_as_existing_person",
    "accept_as_new_person",
    "add_licence",
    "digest_of",
    "end_competency",
    "end_role",
    "grant_role",
    "invitation_by_digest",
    "new_secret",
    "record_competency",
    "record_training",
    "renew_licence",
    "set_medical_director",
    "strike_training",
    "withdraw_licence",
]
