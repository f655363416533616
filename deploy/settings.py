"""Django's settings.  The environment is read here and nowhere else; bad values are named at once.

Without DATABASE_URL and REDIS_URL the embedded servers below CELLSHOP_DATA are used; reading
the settings decides their addresses, the first connection starts them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environs import Env, validate

from deploy import database, embedded
from deploy.roles import URLS, Login, Role
from deploy.secret import secret_key
from deploy.timers import Timers

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env(eager=False)

DEBUG: bool = env.bool("DEBUG", False)
CELLSHOP_DATA: Path = Path(env.str("CELLSHOP_DATA", str(BASE_DIR / "var"))).resolve()
CELLSHOP_KEYS: Path = Path(env.str("CELLSHOP_KEYS", str(CELLSHOP_DATA / "keys"))).resolve()
CELLSHOP_DURABLE: bool = env.bool("CELLSHOP_DURABLE", True)  # False: throw-away data, for tests
SECRET_KEY: str = env.str("SECRET_KEY", "")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
PUBLIC_URL: str = env.str("PUBLIC_URL", "")  # what trace links begin with; "" = the request's
SECURE_COOKIES: bool = env.bool("SECURE_COOKIES", False)  # set where people come by https
ALERT_EMAIL: str = env.str("ALERT_EMAIL", "")  # who is told of a run that nobody stays with
EMAIL_URL: dict[str, Any] = env.dj_email_url("EMAIL_URL", "smtp://localhost:25")
LOG_LEVEL: str = env.str("LOG_LEVEL", "INFO")
DB_POOL_MAX: int = env.int("DB_POOL_MAX", 8, validate=validate.Range(min=0))  # 0 = no pool

# Timers.  `deploy.timers` holds the ratios between them.
LEASE_TTL_S: float = env.float("LEASE_TTL_S", 60.0)
LEASE_RENEW_S: float = env.float("LEASE_RENEW_S", 10.0)
LEASE_GRACE_S: float = env.float("LEASE_GRACE_S", 30.0)
SELF_FENCE_S: float = env.float("SELF_FENCE_S", 45.0)
AUTONOMY_S: float = env.float("AUTONOMY_S", 3600.0)
TAKEOVER_S: float = env.float("TAKEOVER_S", 10.0)
UPLINK_PERIOD_S: float = env.float("UPLINK_PERIOD_S", 0.5)
CHUNK_MAX_SAMPLES: int = env.int("CHUNK_MAX_SAMPLES", 600, validate=validate.Range(min=1))
CHUNK_MAX_S: float = env.float("CHUNK_MAX_S", 5.0)
RESEND_S: float = env.float("RESEND_S", 5.0)
DEAF_AFTER_S: float = env.float("DEAF_AFTER_S", 30.0)
REMIND_S: float = env.float("REMIND_S", 60.0, validate=validate.Range(min=1.0))

# As whom this process connects; manage.py makes it the owner where nothing else is said.
DATABASE_ROLE: str = env.str("DATABASE_ROLE", Role.APP.value, validate=validate.OneOf([*Role]))
_urls: dict[Role, Any] = {
    role: env.dj_db_url(variable, "") for role, variable in URLS.items() if env.str(variable, "")
}
REDIS_URL: str = env.str("REDIS_URL", "")
env.seal()

_timers = Timers(
    lease_ttl_s=LEASE_TTL_S,
    lease_renew_s=LEASE_RENEW_S,
    lease_grace_s=LEASE_GRACE_S,
    self_fence_s=SELF_FENCE_S,
    autonomy_s=AUTONOMY_S,
    takeover_s=TAKEOVER_S,
    uplink_period_s=UPLINK_PERIOD_S,
    chunk_max_s=CHUNK_MAX_S,
    resend_s=RESEND_S,
    deaf_after_s=DEAF_AFTER_S,
)
if _timers.problems():
    raise ImproperlyConfigured(f"these must hold: {'; '.join(_timers.problems())}")

EMBEDDED: frozenset[embedded.Server] = frozenset(
    server
    for server, given in (
        (embedded.Server.POSTGRES, Role.APP in _urls),
        (embedded.Server.REDIS, REDIS_URL),
    )
    if not given
)
if EMBEDDED:
    try:
        _services = embedded.plan(CELLSHOP_DATA)
    except embedded.EmbeddedError as error:
        raise ImproperlyConfigured(str(error)) from error
    REDIS_URL = REDIS_URL or _services.redis_url()
if embedded.Server.POSTGRES in EMBEDDED:
    if _urls:
        raise ImproperlyConfigured(f"{', '.join(URLS[r] for r in _urls)} without DATABASE_URL")
    DATABASE_LOGINS = {role: _services.login(role) for role in Role}
    _database: dict[str, Any] = {
        "ENGINE": "deploy.embedded.backend",
        "HOST": embedded.HOST,
        "PORT": _services.postgres_port,
        "NAME": _services.database,
        "USER": DATABASE_LOGINS[Role(DATABASE_ROLE)].user,
        "PASSWORD": DATABASE_LOGINS[Role(DATABASE_ROLE)].password,
    }
else:
    _addresses = {role: _urls.get(role, _urls[Role.APP]) for role in Role}
    DATABASE_LOGINS = {r: Login(url["USER"], url["PASSWORD"]) for r, url in _addresses.items()}
    _database = _addresses[Role(DATABASE_ROLE)]
# The pool keeps connections; Django must not.  Each process has its own, opened after forks.
_pool = {"pool": {"min_size": 1, "max_size": DB_POOL_MAX}} if DB_POOL_MAX else {}
# A bench's processes ask from one thread and keep their connection, so that a run starts at once;
# it is tried before use.
_keeps = DATABASE_ROLE == Role.BENCH and not DB_POOL_MAX
# Django's own cursors prepare nothing; the statement that stores a chunk is planned once.
_options = {"prepare_threshold": 5, **database.options(Role(DATABASE_ROLE), _timers)}
DATABASES = {
    "default": _database
    | {
        "CONN_MAX_AGE": None if _keeps else 0,
        "CONN_HEALTH_CHECKS": _keeps,
        "OPTIONS": _options | _database.get("OPTIONS", {}) | _pool,
    }
}
SECRET_KEY = SECRET_KEY or secret_key(CELLSHOP_DATA)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "shop",
    "api",
    "deploy",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "api.pages.static_files.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "api.pages.security.ContentSecurityPolicy",
    "api.pages.security.RefuseNul",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
ROOT_URLCONF = "deploy.urls"
ASGI_APPLICATION = "deploy.asgi.application"
AUTH_USER_MODEL = "shop.User"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "api" / "pages" / "static"]
STORAGES = {"staticfiles": {"BACKEND": "api.pages.static_files.VersionedStorage"}}
WHITENOISE_USE_FINDERS = True  # no collectstatic step: the files are small and committed
WHITENOISE_AUTOREFRESH = DEBUG

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

vars().update({name: value for name, value in EMAIL_URL.items() if name.startswith("EMAIL_")})
EMAIL_TIMEOUT = 10.0
DEFAULT_FROM_EMAIL = EMAIL_URL.get("DEFAULT_FROM_EMAIL") or ALERT_EMAIL or "cellshop@localhost"

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "filters": {
        "without_secrets": {"()": "deploy.logs.WithoutSecrets"},
        "beat_in_one_line": {"()": "deploy.logs.BeatInOneLine"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["without_secrets", "beat_in_one_line"],
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        name: {"level": "WARNING"}
        # A line per task every few seconds hides what matters.
        for name in ("celery.worker.strategy", "celery.app.trace", "celery.beat", "psycopg.pool")
    },
}
