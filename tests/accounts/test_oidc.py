"""Sign-in through an identity provider: one that answers over HTTP in this process, with signed ID tokens."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core import mail
from django.test import Client
from django.urls import reverse

from kapclinic.accounts.models import SignIn, User
from kapclinic.accounts.oidc import NOT_KNOWN, is_strong
from tests.accounts.test_second_step import give_app

pytestmark = pytest.mark.django_db


class Provider:
    """An identity provider on this machine; `claims` and `profile` are what it will say of the next person."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.other_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        provider = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(provider.get(self.path))

            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._send(provider.token(parse_qs(asked)))

            def _send(self, body: Any) -> None:
                content = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.reset()

    def reset(self) -> None:
        """As it stands before each test."""
        self.issuer = self.url
        self.signing_key = self.key
        self.claims: dict[str, Any] = {}
        self.profile: dict[str, Any] = {}
        # Of the errand that came last, as a provider keeps it with the code.
        self.nonce = ""

    def get(self, path: str) -> Any:
        """Metadata, keys or profile."""
        if path.startswith("/.well-known"):
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        if path == "/jwks":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return {"keys": [{**public, "kid": "k1", "alg": "RS256"}]}
        return {"sub": "person-1", **self.profile}

    def token(self, asked: dict[str, list[str]]) -> Any:
        """An ID token for whoever shows the verifier of their challenge."""
        assert asked["code_verifier"][0]
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": "client", "sub": "person-1", "iat": now, "exp": now + 60,
            "nonce": self.nonce, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = jwt.encode(claims, self.signing_key, algorithm="RS256", headers={"kid": "k1"})
        return {"access_token": "a", "token_type": "Bearer", "id_token": signed}


@pytest.fixture(scope="module")
def running_provider() -> Iterator[Provider]:
    """One server for the module."""
    provider = Provider()
    yield provider
    provider.server.shutdown()
    provider.server.server_close()


@pytest.fixture
def provider(running_provider: Provider, settings) -> Provider:
    """The provider, set as the clinic's."""
    running_provider.reset()
    settings.OIDC_SERVER_URL = running_provider.url
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "clinic",
                    "name": "Clinic ID",
                    "client_id": "client",
                    "secret": "secret",
                    "settings": {"server_url": running_provider.url},
                }
            ],
        }
    }
    return running_provider


def _set_out(client: Client, provider: Provider) -> dict[str, list[str]]:
    """Set out from the sign-in page; what the provider is sent."""
    away = client.post(reverse("openid_connect_login", kwargs={"provider_id": "clinic"}))
    sent = parse_qs(urlsplit(away.url).query)
    assert sent["code_challenge_method"] == ["S256"]
    provider.nonce = sent["nonce"][0]
    return sent


def _come_back(client: Client, provider: Provider, *, state: str | None = None):
    """Set out, and come back with a code."""
    sent = _set_out(client, provider)
    back = reverse("openid_connect_callback", kwargs={"provider_id": "clinic"})
    return client.get(back, {"code": "c", "state": state or sent["state"][0]})


def _says(provider: Provider, user: User, **claims: Any) -> None:
    provider.profile = {"email": user.email.upper(), "email_verified": True}
    provider.claims = claims


def test_person_is_matched_by_verified_address_once_and_by_key_afterwards(
    client: Client, provider: Provider, nurse: User
) -> None:
    _says(provider, nurse)
    assert "Go on with" in client.get(reverse("account_login")).text
    assert _come_back(client, provider).url == "/"
    assert SocialAccount.objects.get().user == nurse
    assert mail.outbox[0].to == [nurse.email]
    provider.profile = {"email": "renamed@demo.example", "email_verified": False}
    again = Client()
    assert _come_back(again, provider).url == "/"
    assert SignIn.objects.filter(user=nurse).count() == 2


@pytest.mark.parametrize(
    "profile",
    [
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": "stranger@demo.example"},
        {"email": ""},
        {"sub": "person-2"},
    ],
    ids=str,
)
def test_nobody_comes_in_without_a_verified_address_of_an_account(
    client: Client, provider: Provider, nurse: User, profile: dict[str, Any]
) -> None:
    _says(provider, nurse)
    provider.profile |= profile
    answer = _come_back(client, provider)
    assert answer.url == reverse("account_login")
    assert NOT_KNOWN in client.get(answer.url).text
    assert not SignIn.objects.exists()
    assert not SocialAccount.objects.exists()
    assert User.objects.filter(email="stranger@demo.example").count() == 0


def test_second_identity_with_the_same_address_is_turned_away(
    client: Client, provider: Provider, nurse: User
) -> None:
    _says(provider, nurse)
    _come_back(client, provider)
    provider.claims, provider.profile["sub"] = {"sub": "person-9"}, "person-9"
    assert _come_back(Client(), provider).url == reverse("account_login")


@pytest.mark.parametrize(
    "what", ["signature", "audience", "issuer", "expired", "metadata", "other nonce", "no nonce", "odd nonce"]
)
def test_token_that_does_not_hold_lets_nobody_in(
    client: Client, provider: Provider, nurse: User, what: str
) -> None:
    _says(provider, nurse)
    match what:
        case "signature":
            provider.signing_key = provider.other_key
        case "audience":
            provider.claims = {"aud": "somebody-else"}
        case "issuer":
            provider.claims = {"iss": "https://elsewhere.example"}
        case "other nonce":
            provider.claims = {"nonce": "of-another-errand"}
        case "no nonce":
            provider.claims = {"nonce": None}
        case "odd nonce":
            provider.claims = {"nonce": ["a", "list"]}
        case "expired":
            provider.claims = {"exp": int(time.time()) - 600}
    if what == "metadata":
        state = _set_out(client, provider)["state"][0]
        provider.issuer = "https://elsewhere.example"
        back = reverse("openid_connect_callback", kwargs={"provider_id": "clinic"})
        answer = client.get(back, {"code": "c", "state": state})
    else:
        answer = _come_back(client, provider)
    assert "did not work" in answer.text
    assert not SignIn.objects.exists()


def test_token_of_an_earlier_errand_lets_nobody_in_again(
    client: Client, provider: Provider, nurse: User
) -> None:
    _says(provider, nurse)
    nonces = [_set_out(browser, provider)["nonce"][0] for browser in (Client(), Client())]
    assert len(set(nonces)) == 2
    assert min(map(len, nonces)) == 43, "256 random bits"
    provider.claims = {"nonce": nonces[0]}
    assert "did not work" in _come_back(client, provider).text
    assert not SignIn.objects.exists()


def test_page_says_so_when_the_provider_is_away(client: Client, provider: Provider, settings) -> None:
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    apps[0]["settings"]["server_url"] = "http://127.0.0.1:9"
    away = client.post(reverse("openid_connect_login", kwargs={"provider_id": "clinic"}))
    assert "did not work" in away.text


def test_answer_of_another_browsers_errand_lets_nobody_in(
    client: Client, provider: Provider, nurse: User
) -> None:
    _says(provider, nurse)
    assert "did not work" in _come_back(client, provider, state="made-up").text
    assert not SignIn.objects.exists()


def test_closed_account_stays_closed(client: Client, provider: Provider, nurse: User) -> None:
    _says(provider, nurse)
    _come_back(Client(), provider)
    User.objects.filter(pk=nurse.pk).update(is_active=False)
    _come_back(client, provider)
    assert SignIn.objects.count() == 1
    assert client.get(reverse("accounts:self")).status_code == 302


@pytest.mark.parametrize(
    ("claims", "lands_on"),
    [({"amr": ["pwd", "mfa"]}, "/"), ({"amr": ["pwd"]}, "mfa_index"), ({}, "mfa_index")],
    ids=str,
)
def test_own_step_follows_unless_the_provider_says_that_it_asked_for_one(
    client: Client, provider: Provider, nurse: User, settings, claims: dict[str, Any], lands_on: str
) -> None:
    settings.MFA_REQUIRED = True
    _says(provider, nurse, **claims)
    assert _come_back(client, provider).url == "/"
    answer = client.get("/")
    assert answer.status_code == 200 if lands_on == "/" else answer.url == reverse(lands_on)


def test_own_app_is_asked_for_when_the_person_has_one(
    client: Client, provider: Provider, nurse: User
) -> None:
    give_app(nurse)
    _says(provider, nurse)
    assert _come_back(client, provider).url == reverse("mfa_authenticate")
    assert not SignIn.objects.exists()


@pytest.mark.parametrize(
    ("claims", "strong"),
    [
        ({"amr": ["mfa"]}, True),
        ({"amr": "mfa"}, True),
        ({"amr": ["pwd", "otp"]}, False),
        ({"acr": "urn:strong"}, True),
        ({"acr": "1"}, False),
        ({"amr": None, "acr": None}, False),
    ],
)
def test_strength_is_read_from_the_named_values(claims: dict[str, Any], strong: bool, settings) -> None:
    settings.OIDC_STRONG_AMR, settings.OIDC_STRONG_ACR = ["mfa"], ["urn:strong"]
    assert is_strong(claims) is strong


def test_addresses_are_not_there_when_no_provider_is_set(client: Client) -> None:
    away = reverse("openid_connect_login", kwargs={"provider_id": "clinic"})
    back = reverse("openid_connect_callback", kwargs={"provider_id": "clinic"})
    assert [client.post(away).status_code, client.get(back).status_code] == [404, 404]
    assert "Go on with" not in client.get(reverse("account_login")).text
