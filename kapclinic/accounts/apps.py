from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People who sign in: roles per clinic, credentials, the access policy."""

    name = "kapclinic.accounts"
    label = "accounts"

    def ready(self) -> None:
        from kapclinic.accounts import checks  # noqa: F401  registers the system check
