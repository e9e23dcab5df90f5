"""The pages of django-allauth that are used here, by the names that it knows; every other one is absent."""

from allauth.account import views
from django.urls import path, re_path
from django.views.decorators.cache import never_cache

from kapclinic.accounts.pages import public_page

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
]
