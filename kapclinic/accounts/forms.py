"""Forms of a person's own account and of an invitation."""

from typing import Any

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ReauthenticateForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
)
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from crispy_forms.helper import FormHelper
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password

from kapclinic.accounts import recovery_codes
from kapclinic.accounts.adapter import secrets_of
from kapclinic.accounts.models import User


def plain_helper() -> FormHelper:
    """Layout without a form tag: the page writes its own."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    return helper


def password_help() -> str:
    """What a password must be, in one line."""
    return " ".join(str(text) for text in password_validators_help_texts())


class SignInForm(LoginForm):
    """E-mail address and password; words of our own instead of placeholders."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
        self.fields["login"].label = "E-mail address"
        self.fields["login"].widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
        self.fields["password"].label = "Password"
        self.fields["password"].help_text = ""
        self.fields["password"].widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})


class ForgottenPasswordForm(ResetPasswordForm):
    """The address that the link goes to."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
        self.fields["email"].label = "E-mail address"
        self.fields["email"].widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})


class _TwoPasswords:
    """Labels of a new password typed twice."""

    fields: dict[str, forms.Field]

    def _dress(self, first: str, second: str) -> None:
        self.helper = plain_helper()
        self.fields[first].label = "New password"
        self.fields[first].help_text = password_help()
        self.fields[second].label = "The same again"
        for name in (first, second):
            self.fields[name].widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})


class NewPasswordForm(_TwoPasswords, ResetPasswordKeyForm):
    """A new password after a link."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._dress("password1", "password2")


class PasswordChangeForm(_TwoPasswords, ChangePasswordForm):
    """A new password of a person who knows the old one."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._dress("password1", "password2")
        self.fields["oldpassword"].label = "Password until now"
        self.fields["oldpassword"].widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})


class PasswordAgainForm(ReauthenticateForm):
    """The password once more, before something that matters."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
        self.fields["password"].help_text = ""
        self.fields["password"].widget = forms.PasswordInput(
            attrs={"autocomplete": "current-password", "autofocus": True}
        )


def _code_widget() -> forms.TextInput:
    return forms.TextInput(
        attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false", "maxlength": 20}
    )


class _Code:
    """A code of the authenticator app, or a recovery code: read with the secrets of the person who is signing in."""

    fields: dict[str, forms.Field]
    cleaned_data: dict[str, Any]
    user: User

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
        self.fields["code"].label = "Code"
        self.fields[
            "code"
        ].help_text = "Six digits from your authenticator app, or one of your recovery codes."
        self.fields["code"].widget = _code_widget()

    def clean_code(self) -> str:
        with secrets_of(self.user):
            self.cleaned_data["code"] = recovery_codes.as_kept(self.user, self.cleaned_data["code"])
            return str(super().clean_code())  # type: ignore[misc]  # the library's form beside it has it


class CodeForm(_Code, AuthenticateForm):
    """The second step of a sign-in."""


class CodeAgainForm(_Code, ReauthenticateByCodeForm):
    """A code before something that matters."""


class NewAppForm(ActivateTOTPForm):
    """The first code of a new authenticator app, which shows that it was set up."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
        self.fields["code"].label = "The code that the app shows now"
        self.fields["code"].widget = _code_widget()


class NewPasskeyForm(AddWebAuthnForm):
    """A new passkey. The browser fills in what the device says."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
        self.fields["name"].label = "Name"
        self.fields["name"].max_length = 60
        self.fields["name"].help_text = "To know it by in your list, for example the device that it lives on."
        self.fields["passwordless"].label = "Sign in with it alone"
        self.fields[
            "passwordless"
        ].help_text = (
            "Without e-mail address and password: the device asks for a fingerprint, face or PIN instead."
        )


class ProfileForm(forms.ModelForm):
    """What a person may change about themselves."""

    class Meta:
        model = User
        fields = ["name", "credentials_suffix", "phone"]
        labels = {"phone": "Phone at work"}
        help_texts = {
            "name": "As it stands on notes and letters.",
            "credentials_suffix": "As you sign, for example LCSW or PMHNP-BC.",
        }

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()


class AcceptInvitationForm(forms.Form):
    """A new person's name and password."""

    name = forms.CharField(max_length=150, help_text="As it stands on notes and letters.")
    suffix = forms.CharField(
        label="Letters after the name",
        max_length=40,
        required=False,
        help_text="As you sign, for example LCSW.",
    )
    password1 = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    password2 = forms.CharField(
        label="The same again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
        self.fields["password1"].help_text = password_help()
        self._email = email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", "The two passwords differ.")
        if first:
            try:
                validate_password(first, User(email=self._email, name=cleaned.get("name", "")))
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return cleaned
