from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out


class AccountsConfig(AppConfig):
    """People who sign in: roles per clinic, credentials, the access policy."""

    name = "kapclinic.accounts"
    label = "accounts"

    def ready(self) -> None:
        from allauth.mfa.signals import authenticator_added, authenticator_used

        from kapclinic.accounts import (
            checks,  # noqa: F401  registers the system check
            clinical_settings,  # noqa: F401  declares them
            second_step,
            sign_ins,
        )

        user_logged_in.connect(sign_ins.on_signed_in, dispatch_uid="accounts.signed_in")
        user_logged_out.connect(sign_ins.on_signed_out, dispatch_uid="accounts.signed_out")
        for given in (authenticator_added, authenticator_used):
            given.connect(second_step.on_step_given, dispatch_uid="accounts.second_step_given")
