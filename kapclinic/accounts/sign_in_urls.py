"""The pages of django-allauth that are used here, by the names that it knows; every other one is absent."""

from allauth.account import views
from allauth.mfa.base import views as second_step
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
from django.urls import path, re_path
from django.views.decorators.cache import never_cache

from kapclinic.accounts import oidc
from kapclinic.accounts.pages import public_page
from kapclinic.accounts.views.second_step import RemovePasskey, ShowRecoveryCodes, show

urlpatterns = [
    path("login/", public_page(never_cache(views.login)), name="account_login"),
    path("logout/", public_page(never_cache(views.logout)), name="account_logout"),
    path("password/change/", public_page(never_cache(views.password_change)), name="account_change_password"),
    path("password/reset/", public_page(never_cache(views.password_reset)), name="account_reset_password"),
    path(
        "password/reset/done/",
        public_page(never_cache(views.password_reset_done)),
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        public_page(never_cache(views.password_reset_from_key)),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        public_page(never_cache(views.password_reset_from_key_done)),
        name="account_reset_password_from_key_done",
    ),
    path("oidc/<str:provider_id>/", oidc.sign_in, name="openid_connect_login"),
    path("oidc/<str:provider_id>/callback/", oidc.come_back, name="openid_connect_callback"),
    path("confirm/", public_page(never_cache(views.reauthenticate)), name="account_reauthenticate"),
    path("second-step/", show, name="mfa_index"),
    path("second-step/give/", public_page(never_cache(second_step.authenticate)), name="mfa_authenticate"),
    path(
        "second-step/confirm/",
        public_page(never_cache(second_step.reauthenticate)),
        name="mfa_reauthenticate",
    ),
    path("second-step/app/", public_page(never_cache(app.activate_totp)), name="mfa_activate_totp"),
    path(
        "second-step/app/remove/", public_page(never_cache(app.deactivate_totp)), name="mfa_deactivate_totp"
    ),
    path(
        "second-step/codes/",
        public_page(never_cache(ShowRecoveryCodes.as_view())),
        name="mfa_view_recovery_codes",
    ),
    path(
        "second-step/codes/new/",
        public_page(never_cache(recovery_codes.generate_recovery_codes)),
        name="mfa_generate_recovery_codes",
    ),
    path("passkeys/add/", public_page(never_cache(passkeys.add_webauthn)), name="mfa_add_webauthn"),
    path(
        "passkeys/<int:pk>/remove/",
        public_page(never_cache(RemovePasskey.as_view())),
        name="mfa_remove_webauthn",
    ),
    path("passkeys/sign-in/", public_page(never_cache(passkeys.login_webauthn)), name="mfa_login_webauthn"),
    path(
        "passkeys/confirm/",
        public_page(never_cache(passkeys.reauthenticate_webauthn)),
        name="mfa_reauthenticate_webauthn",
    ),
]
