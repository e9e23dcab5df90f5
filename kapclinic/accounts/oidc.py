"""Sign-in through the clinic's own identity provider (OpenID Connect), off unless the environment names one.

Nobody gets an account by it. The first time, a person is matched by an e-mail address that the provider says is verified; from
then on by the provider's own key for them (`sub`). It stands for the second step only where the provider says that it asked
for one (`amr`, `acr`); else the clinic's own step follows.
"""

import secrets
from typing import Any, NoReturn

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from kapclinic.accounts.models import User
from kapclinic.accounts.pages import public_page

PROVIDER = "clinic"
NOT_KNOWN = "Nobody here has an account with the verified e-mail address that came back. Ask a manager of your clinic."


def is_strong(claims: dict[str, Any]) -> bool:
    """Whether an ID token says that more than one factor was asked for, by the values that the environment names."""
    methods = claims.get("amr") or []
    named = {methods} if isinstance(methods, str) else set(methods)
    return bool(named & set(settings.OIDC_STRONG_AMR)) or claims.get("acr") in settings.OIDC_STRONG_ACR


class ClinicProvider(OpenIDConnectOAuth2Adapter):
    """Stricter than django-allauth: the issuer is the one that was set, and the signature of every ID token is checked."""

    @property
    def openid_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().openid_config
        if config.get("issuer", "").rstrip("/") != settings.OIDC_SERVER_URL.rstrip("/"):
            raise OAuth2Error("the provider's metadata name another issuer")
        return config

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        config = self.openid_config
        claims: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=config["jwks_uri"],
            issuer=config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        return claims


class InvitedOnlySocialAdapter(DefaultSocialAccountAdapter):
    """Lets in people who have an account here, and nobody else."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Match the person; raises ImmediateHttpResponse, back to sign-in, for whoever is not known.

        Raises OAuth2Error for an ID token without the nonce that this browser set out with: one of another time, or of
        somebody else (OpenID Connect Core 1.0, 3.1.3.7).
        """
        told = sociallogin.account.extra_data
        token, profile = told.get("id_token") or {}, told.get("userinfo") or {}
        if sociallogin.state.get("process") != "login" or not token.get("sub"):
            _turn_away(request)
        if not _is_answer_to(sociallogin.state, token):
            raise OAuth2Error("the ID token was made for another errand")
        if profile and profile.get("sub") != token["sub"]:
            _turn_away(request)
        if not sociallogin.is_existing:
            person = _person_with(profile or token)
            if person is None:
                _turn_away(request)
            sociallogin.connect(request, person)
        request.is_strong_sign_in = is_strong(token)  # type: ignore[attr-defined]  # read where the sign-in begins


def _is_answer_to(state: dict[str, Any], claims: dict[str, Any]) -> bool:
    sent, came = state.get("nonce"), claims.get("nonce")
    return isinstance(sent, str) and isinstance(came, str) and constant_time_compare(sent, came)


class SettingOut(OAuth2LoginView):
    """The way to the provider, with a nonce of its own that the ID token must bring back."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        provider = self.get_provider()
        sent = provider.get_redirect_from_request_kwargs(request)
        nonce = secrets.token_urlsafe(32)
        sent["auth_params"] = {**sent["auth_params"], "nonce": nonce}
        # What is named beside the library's own arguments is kept with the state.
        response: HttpResponse = provider.redirect(request, **sent, nonce=nonce)
        return response


def _person_with(claims: dict[str, Any]) -> User | None:
    """The active person with the verified address of `claims` who is not matched to anybody at the provider yet."""
    address = claims.get("email")
    if not address or claims.get("email_verified") is not True:
        return None
    person = User.objects.filter(email__iexact=address, is_active=True).first()
    if person is None or SocialAccount.objects.filter(user=person).exists():
        return None
    return person


def _turn_away(request: HttpRequest) -> NoReturn:
    messages.error(request, NOT_KNOWN)
    raise ImmediateHttpResponse(redirect("account_login"))


def _answer(request: HttpRequest, provider_id: str, view: Any) -> HttpResponse:
    if not settings.OIDC_SERVER_URL or provider_id != PROVIDER:
        raise Http404
    provider = ClinicProvider(request, PROVIDER)
    try:
        response: HttpResponse = view.adapter_view(provider)(request)
    except (OAuth2Error, RequestException) as error:
        # A provider that is away, or whose metadata are not its own.
        response = render_authentication_error(request, provider.get_provider(), exception=error)
    return response


@public_page
@never_cache
@require_POST
def sign_in(request: HttpRequest, provider_id: str) -> HttpResponse:
    """To the provider, asked for by the sign-in page. 404 where none is set."""
    return _answer(request, provider_id, SettingOut)


@public_page
@never_cache
@require_safe
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from the provider with its answer, which counts for the browser alone that set out. 404 where none is set."""
    return _answer(request, provider_id, OAuth2CallbackView)
