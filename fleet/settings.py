"""Settings. What differs between machines comes from the environment; nothing secret has a default."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from fleet.cache import caches_for
from fleet.sign_on.providers import BadProviders, Provider, read_providers
from fleet.timetable import QUEUES, timetable

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str | None = None) -> str:
    """Read a setting from the environment, or from the file named by NAME_FILE; without a default it is required."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set {name} in the environment. `make run` does so by itself; see README.md.")
    return value


def env_bool(name: str, default: bool = False) -> bool:
    return env(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


def database_from_url(url: str) -> dict[str, object]:
    """Turn a postgresql:// URL (or libpq conninfo) into Django's DATABASES entry; other parameters become OPTIONS."""
    parts = dict(conninfo_to_dict(url))
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    database: dict[str, object] = {key: str(parts.pop(libpq, "") or "") for key, libpq in names.items()}
    return {"ENGINE": "django.db.backends.postgresql", **database, "OPTIONS": {**parts}}


def sign_on_providers() -> tuple[Provider, ...]:
    """Return the identity providers of FLEETWELL_OIDC, a JSON list; see README.md."""
    try:
        return read_providers(env("FLEETWELL_OIDC", ""))
    except BadProviders as error:
        raise ImproperlyConfigured(f"FLEETWELL_OIDC: {error}. README.md shows how it looks.") from None


DEBUG = env_bool("FLEETWELL_DEBUG")
DEMO = env_bool("FLEETWELL_DEMO")
SECRET_KEY = env("FLEETWELL_SECRET_KEY")
# "id:base64 of 32 bytes", newest first, comma separated: encrypts maker tokens and PINs.
KEY_RING = env("FLEETWELL_KEY_RING")

PUBLIC_URL = env("FLEETWELL_URL", "http://localhost:" + env("FLEETWELL_PORT", "8000"))
ALLOWED_HOSTS = [host for host in env("FLEETWELL_HOSTS", "localhost,127.0.0.1,[::1]").split(",") if host]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https://") else []
SECURE_COOKIES = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "template_partials",
    "fleet",
    "fleet.events",
    "fleet.teams",
    "fleet.budgets",
    "fleet.vehicles",
    "fleet.registrations",
    "fleet.members",
    "fleet.sign_on",
    "compatibility",
    "connect",
    "commands",
    "commands.alerts",
    "commands.jobs",
    "commands.programs",
    "commands.rules",
    "fleet.live",
    "fleet.audit",
    "fleet.portal",
    "fleet.keeping",
    "anymail",
    "fleet.notifications",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "fleet.events.scoped.scoped",
    "fleet.middleware.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "fleet.teams.second_factor.second_factor",
    "fleet.teams.units.speak_in_units",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "fleet.members.middleware.lead_out",
    "fleet.notifications.middleware.remember_browser",
]

ROOT_URLCONF = "fleet.urls"
ASGI_APPLICATION = "fleet.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "fleet.teams.context.team",
                "commands.alerts.context.open_alerts",
                "fleet.notifications.context.unread_notices",
                "fleet.keeping.context.end_of_team",
            ],
        },
    },
]

# Every request runs in a thread of its own under ASGI, so connections are kept in a pool, not per thread.
DATABASES = {"default": database_from_url(env("DATABASE_URL"))}
DATABASES["default"]["OPTIONS"] |= {"pool": {"min_size": 1, "max_size": int(env("FLEETWELL_DB_POOL", "12"))}}  # type: ignore[operator]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Migrations run as the owner of the tables and grant this role what the application needs, and no more.
DATABASE_APP_ROLE = env("FLEETWELL_DB_APP_ROLE", "fleetwell_app")

AUTH_USER_MODEL = "teams.User"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # unique in any case: a constraint on lower(email)
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "fleet.teams.passwords.MaximumLengthValidator"},
    {"NAME": "fleet.teams.passwords.ContextualPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
ACCOUNT_ADAPTER = "fleet.teams.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "fleet.teams.forms.SignupForm",
    "login": "fleet.teams.forms.LoginForm",
    "add_email": "fleet.teams.forms.ChangeEmailForm",
    "change_password": "fleet.teams.forms.ChangePasswordForm",
    "reauthenticate": "fleet.teams.forms.ReauthenticateForm",
    "reset_password": "fleet.teams.forms.ResetPasswordForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# Whoever signs up shows first that the address is theirs; the demo's letters are files that nobody waits for.
ACCOUNT_EMAIL_VERIFICATION = env("FLEETWELL_EMAIL_VERIFICATION", "optional" if DEMO else "mandatory")
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Fleetwell: "
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a letter after every change of address, password or second factor
ACCOUNT_CHANGE_EMAIL = True  # one address: the old one stays until the new one is confirmed
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60  # before anything risky; see fleet.teams.stepup
MFA_ADAPTER = "fleet.teams.authenticators.AuthenticatorAdapter"
MFA_FORMS = {
    "authenticate": "fleet.teams.authenticators.CodeForm",
    "reauthenticate": "fleet.teams.authenticators.ConfirmCodeForm",
    "activate_totp": "fleet.teams.authenticators.ActivateForm",
    "add_webauthn": "fleet.teams.authenticators.AddPasskeyForm",
    "edit_webauthn": "fleet.teams.authenticators.NamePasskeyForm",
    "authenticate_webauthn": "fleet.teams.authenticators.PasskeyForm",
    "reauthenticate_webauthn": "fleet.teams.authenticators.ConfirmPasskeyForm",
    "login_webauthn": "fleet.teams.authenticators.SignInPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Fleetwell"
MFA_TOTP_TOLERANCE = 1  # a clock may be half a minute off; each code works once, see fleet.teams.authenticators
MFA_ALLOW_UNVERIFIED_EMAIL = True  # who has not confirmed the address does not come in at all, outside the demo
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE_COOKIES  # http://localhost, where browsers allow passkeys too
USERSESSIONS_ADAPTER = "fleet.teams.browser_sessions.SessionsAdapter"
# Single sign-on (OpenID Connect): without providers nothing of it is loaded but the tables.
SIGN_ON_PROVIDERS = sign_on_providers()
SOCIALACCOUNT_ADAPTER = "fleet.sign_on.oidc.SocialAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "provider_class": "fleet.sign_on.oidc.SignOnProvider",
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": provider.id,
                "name": provider.name,
                "client_id": provider.client_id,
                "secret": provider.client_secret,
                "settings": {"server_url": provider.server_url},
            }
            for provider in SIGN_ON_PROVIDERS
        ],
    }
}
if SIGN_ON_PROVIDERS:
    INSTALLED_APPS.append("allauth.socialaccount.providers.openid_connect")
    ACCOUNT_ADAPTER = "fleet.sign_on.accounts.SignOnAccountAdapter"
    ACCOUNT_FORMS |= {
        "signup": "fleet.sign_on.forms.SignupForm",
        "reset_password": "fleet.sign_on.forms.ResetPasswordForm",
        "user_token": "fleet.sign_on.forms.UserTokenForm",
        "add_email": "fleet.sign_on.forms.ChangeEmailForm",
    }
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "vehicles:list"
LOGOUT_REDIRECT_URL = "account_login"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # the maker's redirect back is a top-level GET and must carry the session
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_COOKIES else 0
X_FRAME_OPTIONS = "DENY"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("FLEETWELL_BEHIND_PROXY") else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env("FLEETWELL_TIME_ZONE", "UTC")
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env("FLEETWELL_STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# A word for what is at hand, or the dotted path of any backend: those of django-anymail, for services that send mail.
EMAIL_BACKENDS = {
    "files": "django.core.mail.backends.filebased.EmailBackend",
    "console": "django.core.mail.backends.console.EmailBackend",
    "smtp": "django.core.mail.backends.smtp.EmailBackend",
}
EMAIL_BACKEND = env("FLEETWELL_EMAIL_BACKEND", "files")
EMAIL_BACKEND = EMAIL_BACKENDS.get(EMAIL_BACKEND, EMAIL_BACKEND)
EMAIL_HOST = env("FLEETWELL_SMTP_HOST", "localhost")
EMAIL_PORT = int(env("FLEETWELL_SMTP_PORT", "25"))
EMAIL_HOST_USER = env("FLEETWELL_SMTP_USER", "")
EMAIL_HOST_PASSWORD = env("FLEETWELL_SMTP_PASSWORD", "")
# "starttls" on the port of clear text, "tls" on a port of its own, "" for neither.
EMAIL_USE_TLS = env("FLEETWELL_SMTP_SECURITY", "") == "starttls"
EMAIL_USE_SSL = env("FLEETWELL_SMTP_SECURITY", "") == "tls"
EMAIL_TIMEOUT = float(env("FLEETWELL_EMAIL_TIMEOUT_S", "10"))
# ANYMAIL_MAILGUN_API_KEY, ANYMAIL_POSTMARK_SERVER_TOKEN, ... as django-anymail calls them, or NAME_FILE with a path.
ANYMAIL = {"REQUESTS_TIMEOUT": EMAIL_TIMEOUT} | {
    name.removesuffix("_FILE").removeprefix("ANYMAIL_"): env(name.removesuffix("_FILE"))
    for name in os.environ
    if name.startswith("ANYMAIL_")
}
EMAIL_FILE_PATH = env("FLEETWELL_MAIL_DIR", str(BASE_DIR / "var" / "mail"))
DEFAULT_FROM_EMAIL = env("FLEETWELL_FROM_EMAIL", "Fleetwell <fleetwell@localhost>")

# The broker is a doorbell: early ack, no results, no secrets, no long ETAs. A lost message costs latency, no command.
CELERY_BROKER_URL = env("CELERY_BROKER_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# How often somebody tried to sign in is counted by all processes together; see fleet.cache.
CACHES = caches_for(CELERY_BROKER_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_throttle": 1,
    "unacked_restore_interval": 10,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = QUEUES
# Where the heads of the audit chains are written outside of the database, and how often; empty: not in this way.
AUDIT_ANCHOR_FILE = env(
    "FLEETWELL_AUDIT_ANCHOR_FILE", str(Path(env("FLEETWELL_VAR", str(BASE_DIR / "var"))) / "audit-anchors.jsonl")
)
AUDIT_ANCHOR_MAIL = env("FLEETWELL_AUDIT_ANCHOR_MAIL", "")
AUDIT_ANCHOR_EVERY_S = float(env("FLEETWELL_AUDIT_ANCHOR_EVERY_S", "3600"))
CELERY_BEAT_SCHEDULE = timetable(anchor_every_s=AUDIT_ANCHOR_EVERY_S)

# So long a team that somebody ended can still be opened again; the database holds a day at least.
TEAM_GRACE_DAYS = max(1, int(env("FLEETWELL_TEAM_GRACE_DAYS", "14")))

# Where the simulator runs; it is offered as a provider only when an address is set.
SIMULATOR_URL = env("FLEETWELL_SIMULATOR_URL", "")
SIMULATOR_CLIENT_ID = env("FLEETWELL_SIMULATOR_CLIENT_ID", "")
SIMULATOR_CLIENT_SECRET = env("FLEETWELL_SIMULATOR_CLIENT_SECRET", "")

# How many commands one dispatcher holds between claim and answer, each of them one socket; never more than the process
# may open files. Waiting for an answer costs some 40 kB and no time.
DISPATCH_WINDOW = int(env("FLEETWELL_DISPATCH_WINDOW", "8000"))
# How long an idle dispatcher stays awake for the next press, in seconds; then another one takes over with fresh memory.
DISPATCH_LINGER_S = float(env("FLEETWELL_DISPATCH_LINGER_S", "3600"))
DISPATCH_STOP_GRACE_S = float(env("FLEETWELL_DISPATCH_STOP_GRACE_S", "3"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "fleet.logs.RedactSecrets"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}},
    "root": {"handlers": ["console"], "level": env("FLEETWELL_LOG_LEVEL", "INFO")},
    # At DEBUG it writes a traceback for every variable that a template finds empty.
    "loggers": {"django.template": {"level": "INFO"}},
}
