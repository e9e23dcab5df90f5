from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed


class AccountsConfig(AppConfig):
    """People who sign in: roles per clinic, credentials, the access policy."""

    name = "kapclinic.accounts"
    label = "accounts"

    def ready(self) -> None:
        from allauth.account.signals import authentication_step_completed
        from allauth.mfa.signals import authenticator_added, authenticator_used

        from kapclinic.accounts import (
            checks,  # noqa: F401  registers the system check
            clinical_settings,  # noqa: F401  declares them
            sealed_steps,
            second_step,
            sign_ins,
            visits,
        )
        from kapclinic.encryption.rotation import register_store

        register_store(sealed_steps.SealedSteps())
        user_logged_in.connect(sign_ins.on_signed_in, dispatch_uid="accounts.signed_in")
        user_logged_out.connect(sign_ins.on_signed_out, dispatch_uid="accounts.signed_out")
        for given in (authenticator_added, authenticator_used):
            given.connect(second_step.on_step_given, dispatch_uid="accounts.second_step_given")
        authentication_step_completed.connect(sign_ins.on_proved, dispatch_uid="accounts.proved")
        user_logged_in.connect(visits.on_signed_in, dispatch_uid="accounts.record_signed_in")
        user_logged_out.connect(visits.on_signed_out, dispatch_uid="accounts.record_signed_out")
        user_login_failed.connect(visits.on_sign_in_failed, dispatch_uid="accounts.record_failed")
