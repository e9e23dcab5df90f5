"""Settings of KAP Clinic, read from the environment (docs/operations.md lists every name).

`KAP_MODE=demo` is for trying it on one machine; `production` (the default) demands real secrets and HTTPS.
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import bootstrap_wrapper
import fontpkg_noto_sans_arabic
import fontpkg_source_sans_3
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from kapclinic.environment import database_from_url, env_bool, env_int, env_list, env_str, origin_of
from kapclinic.runtime.bootstrap import PANGO_LIBRARIES

BASE_DIR = Path(__file__).resolve().parent.parent
MODE = env_str("KAP_MODE", "production")
if MODE not in {"demo", "production"}:
    raise ImproperlyConfigured(f"KAP_MODE must be demo or production, not {MODE!r}")
PRODUCTION = MODE == "production"
VAR_DIR = Path(env_str("KAP_VAR", str(BASE_DIR / "var"))).resolve()

# Shared libraries that printing loads; named once, where the set-up brings them.
PRINTING_LIBRARIES = PANGO_LIBRARIES

DEBUG = env_bool("DEBUG", False)
if DEBUG and PRODUCTION:
    raise ImproperlyConfigured("DEBUG must be off in production")
SECRET_KEY = env_str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
SITE_URL = env_str("SITE_URL", f"http://localhost:{env_int('PORT', 8000, least=1)}")
# PKCS#12 file with the clinic's certificate and key; without one, documents are not signed (kapclinic/documents/signing.py).
DOCUMENT_SIGNING_CERTIFICATE = env_str("KAP_SIGNING_CERTIFICATE", "")
DOCUMENT_SIGNING_PASSPHRASE = env_str("KAP_SIGNING_PASSPHRASE", "")
# Socket or host:port of a clamd that looks through uploads; without one none is asked (kapclinic/documents/viruses.py).
VIRUS_SCANNER = env_str("KAP_CLAMD", "")
# Key ring for the encrypted fields: "id:base64 key" pairs, newest first (kapclinic/encryption.py).
ENCRYPTION_KEYS = env_list("KAP_ENCRYPTION_KEYS")
# Key ring of the record's chain, in the same form (kapclinic/audit/keys.py), and where its heads are written.
AUDIT_KEYS = env_list("KAP_AUDIT_KEYS")
AUDIT_HEADS_FILE = env_str("KAP_AUDIT_HEADS", str(VAR_DIR / "audit" / "heads"))
AUDIT_HEAD_EMAIL = env_list("KAP_AUDIT_HEAD_EMAIL")
AUDIT_SEAL_SECONDS = env_int("KAP_AUDIT_SEAL_SECONDS", 30, least=1)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "kapclinic.static_files.StaticFiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    # The widgets' own templates, which FORM_RENDERER looks for among the installed ones.
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "pgtrigger",
    "pghistory",
    "kapclinic.encryption",
    "kapclinic.audit",
    "kapclinic.clinics",
    "kapclinic.accounts",
    "kapclinic.jobs",
    "kapclinic.documents",
    "kapclinic.notices",
    "kapclinic.administration",
    "episodes",
    "kapclinic.breakglass",
    "screening",
    "kapclinic.scheduling",
    "sessions",
    "integration",
    "kapclinic.handoffs",
    "kapclinic.outcomes",
    "kapclinic.desk",
    "kapclinic.process_notes",
]

MIDDLEWARE = [
    "kapclinic.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "kapclinic.accounts.middleware.SignInMiddleware",
    "kapclinic.accounts.middleware.SecondStepMiddleware",
    "kapclinic.accounts.middleware.ActorMiddleware",
    "kapclinic.audit.middleware.HistoryMiddleware",
]

ROOT_URLCONF = "kapclinic.urls"
WSGI_APPLICATION = "kapclinic.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "csp.context_processors.nonce",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "kapclinic.accounts.context.shell",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# The owner migrates; the application itself has no right to change the schema or the history.
_ROLE = env_str("KAP_DATABASE_ROLE", "app")
if _ROLE not in {"app", "owner"}:
    raise ImproperlyConfigured(f"KAP_DATABASE_ROLE must be app or owner, not {_ROLE!r}")
DATABASES = {
    "default": database_from_url(env_str("DATABASE_OWNER_URL" if _ROLE == "owner" else "DATABASE_URL"))
}
DATABASES["default"]["CONN_MAX_AGE"] = 0
# A pooled connection that died with the server's restart is replaced and not handed out.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["ATOMIC_REQUESTS"] = False
if env_bool("DATABASE_POOL", False):
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": env_int("DATABASE_POOL_SIZE", 8, least=1),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Group role that receives the application's rights (kapclinic/audit/privileges.py).
DATABASE_APP_ROLE = "kapclinic_app"

REDIS_URL = env_str("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A task whose broker went away is given up: its job's lease runs out, and the sweep has it done again.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat" / "schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep-jobs": {"task": "kapclinic.jobs.tasks.sweep", "schedule": 30.0, "options": {"expires": 25}},
    "seal-record": {
        "task": "kapclinic.audit.tasks.seal",
        "schedule": float(AUDIT_SEAL_SECONDS),
        "options": {"expires": AUDIT_SEAL_SECONDS},
    },
}

# In the database, so that limits on sign-in attempts hold across processes and restarts (accounts.CachedValue is its table).
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        # At the default of 300 a stranger who tries 300 made-up addresses would push everybody else's counted tries out.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
IDLE_LOCK_MINUTES = env_int("IDLE_LOCK_MINUTES", 15, least=1)
# What one person may read, counted from the record: far above what hands can do (POLICY; kapclinic/accounts/pace.py).
READS_A_MINUTE = env_int("READS_A_MINUTE", 240, least=60)
READS_AN_HOUR = env_int("READS_AN_HOUR", 3000, least=600)
INVITATION_DAYS = env_int("INVITATION_DAYS", 7, least=1)
CSRF_COOKIE_SAMESITE = "Lax"
# Scripts take the token from the page.
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "kapclinic.accounts.passwords.ContextWordsValidator"},
]
# A file of hashes of breached passwords, sorted (kapclinic/accounts/breached.py); without one none is looked up.
BREACHED_PASSWORDS = env_str("KAP_BREACHED_PASSWORDS", "")
if BREACHED_PASSWORDS:
    AUTH_PASSWORD_VALIDATORS.append(
        {
            "NAME": "kapclinic.accounts.breached.BreachedPasswordValidator",
            "OPTIONS": {"path": BREACHED_PASSWORDS},
        }
    )
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "desk:today"
ACCOUNT_ADAPTER = "kapclinic.accounts.adapter.InvitationOnlyAdapter"
ACCOUNT_FORMS = {
    "login": "kapclinic.accounts.forms.SignInForm",
    "reset_password": "kapclinic.accounts.forms.ForgottenPasswordForm",
    "reset_password_from_key": "kapclinic.accounts.forms.NewPasswordForm",
    "change_password": "kapclinic.accounts.forms.PasswordChangeForm",
    "reauthenticate": "kapclinic.accounts.forms.PasswordAgainForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# An unknown address gets no mail: nobody can have the clinic write to strangers.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
# Kept in the database cache. "key" is the e-mail address that was tried.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/h/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user,30/h/user",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "KAP Clinic: "
# A person hears by e-mail that their password or second step changed, and from where.
ACCOUNT_EMAIL_NOTIFICATIONS = True
# For how long a password, code or passkey that was just given stands for the next thing that asks for one, in seconds (POLICY).
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300

# The second step: an authenticator app (TOTP), passkeys, recovery codes. In production nobody works without one.
MFA_REQUIRED = PRODUCTION or env_bool("REQUIRE_SECOND_STEP", False)
MFA_ADAPTER = "kapclinic.accounts.adapter.SecondStepAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_RECOVERY_CODE_DIGITS = 8
MFA_TOTP_ISSUER = "KAP Clinic"
MFA_FORMS = {
    "authenticate": "kapclinic.accounts.forms.CodeForm",
    "reauthenticate": "kapclinic.accounts.forms.CodeAgainForm",
    "activate_totp": "kapclinic.accounts.forms.NewAppForm",
    "add_webauthn": "kapclinic.accounts.forms.NewPasskeyForm",
}

# Sign-in through the clinic's own identity provider, where one is named (kapclinic/accounts/oidc.py).
OIDC_SERVER_URL = env_str("OIDC_SERVER_URL", "")
if PRODUCTION and OIDC_SERVER_URL and not OIDC_SERVER_URL.startswith("https://"):
    raise ImproperlyConfigured("OIDC_SERVER_URL must begin with https:// in production")
OIDC_NAME = env_str("OIDC_NAME", "your clinic's account")
# What the provider's ID token must say for it to stand for the second step.
OIDC_STRONG_AMR = env_list("OIDC_STRONG_AMR", "mfa")
OIDC_STRONG_ACR = env_list("OIDC_STRONG_ACR")
SOCIALACCOUNT_ADAPTER = "kapclinic.accounts.oidc.InvitedOnlySocialAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "clinic",
                "name": OIDC_NAME,
                "client_id": env_str("OIDC_CLIENT_ID"),
                "secret": env_str("OIDC_CLIENT_SECRET"),
                "settings": {"server_url": OIDC_SERVER_URL},
            }
        ]
        if OIDC_SERVER_URL
        else [],
    }
}

EMAIL_HOST = env_str("EMAIL_HOST", "")
if EMAIL_HOST:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_PORT = env_int("EMAIL_PORT", 587, least=1)
    EMAIL_HOST_USER = env_str("EMAIL_HOST_USER", "")
    EMAIL_HOST_PASSWORD = env_str("EMAIL_HOST_PASSWORD", "")
    EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", True)
    EMAIL_TIMEOUT = 20
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(VAR_DIR / "mail")
DEFAULT_FROM_EMAIL = env_str("DEFAULT_FROM_EMAIL", "KAP Clinic <clinic@localhost>")

LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"


def _package_files(package: ModuleType, folder: str = "") -> Path:
    return Path(str(package.__file__)).parent / folder


# Third-party assets come from installed packages, never from copies in the repository.
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("vendor/bootstrap", bootstrap_wrapper.get_bootstrap_dir()),
    ("vendor/fonts/source-sans-3", _package_files(fontpkg_source_sans_3, "files")),
    ("vendor/fonts/noto-sans-arabic", _package_files(fontpkg_noto_sans_arabic, "files")),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # The sign-in form leads to the identity provider, and browsers hold a redirect after a form to this list too.
        "form-action": [SELF, *env_list("OIDC_SIGN_IN_ORIGIN", origin_of(OIDC_SERVER_URL))],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": browsers then send "Origin: null" with every form, which the CSRF check must refuse.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if PRODUCTION:
    SECURE_SSL_REDIRECT = env_bool("SECURE_SSL_REDIRECT", True)
    SECURE_PROXY_SSL_HEADER = (
        ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("BEHIND_TLS_PROXY", True) else None
    )
    # How many proxies stand in front, each adding to X-Forwarded-For: the limits on sign-in count by the address before them.
    ALLAUTH_TRUSTED_PROXY_COUNT = env_int("TRUSTED_PROXY_COUNT", 1 if SECURE_PROXY_SSL_HEADER else 0)
    SECURE_HSTS_SECONDS = env_int("SECURE_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    # The probes are asked from inside, without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^healthz$"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Browsers take cookies of these names from this host alone, over TLS: no neighbour under the same domain can set one.
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "kapclinic.logs.formatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env_str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
