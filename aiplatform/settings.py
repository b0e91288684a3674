"""All settings, read once from the environment. `.env.example` says what each is for."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from corsheaders.defaults import default_headers

from aiplatform import environment as env
from aiplatform.secrets import secret
from aiplatform.supervisor.run_directory import default_run_directory

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_file(BASE_DIR / ".env")

VAR_DIR = env.directory("VAR_DIR", BASE_DIR / "var", private=True)
MODELS_DIR = env.directory("MODELS_DIR", VAR_DIR / "models")
RUN_DIR = env.directory("RUN_DIR", default_run_directory(VAR_DIR))  # sockets: a short path
SPOOL_DIR = env.directory("SPOOL_DIR", VAR_DIR / "spool")
# Contents of files: storage that every web and worker shares, whichever machine it runs on.
FILES_DIR = env.directory("FILES_DIR", VAR_DIR / "files", private=True)
FILE_UPLOAD_TEMP_DIR = FILES_DIR / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, exist_ok=True)

DEBUG = env.boolean("DEBUG", False)
SECRET_KEY = secret("SECRET_KEY", VAR_DIR / "secrets")
API_KEY_PEPPER = secret("API_KEY_PEPPER", VAR_DIR / "secrets")
# Peppers that keys made earlier were digested under; they verify, new keys use API_KEY_PEPPER.
API_KEY_OLD_PEPPERS = env.listing("API_KEY_OLD_PEPPERS", [])

# Signs access and refresh tokens, and nothing else.
JWT_SIGNING_KEY = secret("JWT_SIGNING_KEY", VAR_DIR / "secrets")

HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, low=1, high=65535)
WEB_PROCESSES = env.integer("WEB_PROCESSES", 1, low=1, high=64)
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS", [])
CORS_ALLOWED_ORIGINS = env.listing("CORS_ALLOWED_ORIGINS", [])
# OpenAI's SDK for browsers says a lot about itself, and browsers ask whether it may.
_SDK_HEADERS = ("arch", "async", "lang", "os", "package-version", "retry-count", "runtime")
CORS_ALLOW_HEADERS = [
    *default_headers,
    *("x-api-key", "idempotency-key", "openai-organization", "openai-project"),
    *("x-resumable", "last-event-id"),
    *(f"x-stainless-{name}" for name in (*_SDK_HEADERS, "runtime-version", "timeout")),
]
CORS_EXPOSE_HEADERS = [
    *("x-request-id", "x-overhead-ms", "x-resumable", "retry-after", "idempotent-replayed"),
]
# nginx in front says which address a request came from; believed only where this is set.
TRUST_PROXY_HEADERS = env.boolean("TRUST_PROXY_HEADERS", False)
if TRUST_PROXY_HEADERS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "aiplatform",
    "rest_framework_simplejwt.token_blacklist",  # before accounts, which hides its admin pages
    "accounts",
    "inference.registry",
    "inference.gateway",
    "inference.jobs.webhooks",
    "inference.jobs",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "django_ratelimit",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
]

# request_scope is outermost: whatever fails inside still gets its id and its log line.
MIDDLEWARE = [
    "aiplatform.middleware.request_scope",
    "corsheaders.middleware.CorsMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "aiplatform.page_policy.page_policy",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
# What an API request goes through: it has no session, cookie or form, and each of the others would
# cost it a thread hop. All of these are asynchronous.
API_MIDDLEWARE = [
    *(MIDDLEWARE[:2] if CORS_ALLOWED_ORIGINS else MIDDLEWARE[:1]),
    "inference.gateway.limits.headers.limits_told",
]
API_PREFIXES = ("/v1/", "/api/v1/", "/health", "/metrics")
# Their bodies are bound by MAX_UPLOAD_BYTES and go to disk.
UPLOAD_PREFIXES = ("/v1/files",)

ROOT_URLCONF = "aiplatform.urls"
ASGI_APPLICATION = "aiplatform.asgi.application"
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
            ],
        },
    },
]

DATABASES = {
    "default": dj_database_url.parse(env.text("DATABASE_URL", f"sqlite:///{VAR_DIR}/db.sqlite3"))
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the write lock at the start, so that a busy database waits instead of failing
    # half-way; WAL lets readers go on beside the writer.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    DATABASES["default"]["CONN_MAX_AGE"] = None
else:
    pool_size = env.integer("DATABASE_POOL_SIZE", 8, low=1, high=100)
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": pool_size, "timeout": 2}}
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    # The pool looks whether a connection still lives before it lends it, so that nobody is refused
    # for one that a restart of the database cut.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

REDIS_SOCKET = RUN_DIR / "valkey.sock"
REDIS_URL = env.text("REDIS_URL", f"unix://{REDIS_SOCKET}")
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"socket_timeout": 2.0, "socket_connect_timeout": 2.0},
    }
}
# It knows another package for Redis; Django's own counts just as atomically.
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.W001"]

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SIGN_UP_ENABLED = env.boolean("SIGN_UP_ENABLED", False)
SIMPLE_JWT: dict[str, Any] = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "ISSUER": env.text("JWT_ISSUER", "aiplatform"),
    "AUDIENCE": env.text("JWT_AUDIENCE", "aiplatform"),
    "LEEWAY": env.integer("JWT_LEEWAY_S", 5, low=0, high=60),
    "ACCESS_TOKEN_LIFETIME": timedelta(
        minutes=env.integer("JWT_ACCESS_MINUTES", 15, low=1, high=24 * 60)
    ),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=env.integer("JWT_REFRESH_DAYS", 7, low=1, high=90)),
    "USER_ID_CLAIM": "sub",
    "CHECK_REVOKE_TOKEN": True,  # a token dies with the password it was made under
}
LOGIN_URL = "/account/sign-in"
LOGIN_REDIRECT_URL = "/account/keys"
CSRF_FAILURE_VIEW = "aiplatform.error_pages.csrf_refused"
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.boolean("SECURE_COOKIES", False)

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.directory("STATIC_ROOT", VAR_DIR / "static")

# Limits of a request, before anything looks inside it.
MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 4 * 1024 * 1024, low=1024, high=1 << 30)
# Of an image: the file, what its header says before anything is unpacked, and the frames of an
# animation. A whole file travels to its runner in one frame of at most 16 MiB.
MAX_IMAGE_BYTES = env.integer("MAX_IMAGE_BYTES", 10 * 1024 * 1024, low=1024, high=15 * 1024 * 1024)
MAX_IMAGE_PIXELS = env.integer("MAX_IMAGE_PIXELS", 32_000_000, low=1024, high=200_000_000)
MAX_IMAGE_FRAMES = env.integer("MAX_IMAGE_FRAMES", 256, low=1, high=10_000)
# In base64, a file is a third longer; the rest is for what stands around it.
MAX_IMAGE_BODY_BYTES = MAX_IMAGE_BYTES * 4 // 3 + 65_536
IMAGE_PREFIX = "/api/v1/upload/"
# Each address has its bound in BodyBound, before this; files are not counted in it.
DATA_UPLOAD_MAX_MEMORY_SIZE = max(MAX_BODY_BYTES, MAX_IMAGE_BODY_BYTES)
# Of an upload, whose body goes to disk; its form's own lines are in it.
MAX_UPLOAD_BYTES = env.integer("MAX_UPLOAD_BYTES", 100 * 1024 * 1024, low=1024, high=1 << 40)
REQUEST_TIMEOUT_S = env.integer("REQUEST_TIMEOUT_S", 600, low=1, high=86_400)
# How long a client may take nothing of an answer before it counts as gone.
STREAM_STALL_S = env.integer("STREAM_STALL_S", 60, low=1, high=3600)
# Websockets of one user, over all processes.
WEBSOCKET_MAX_PER_USER = env.integer("WEBSOCKET_MAX_PER_USER", 100, low=1, high=1_000_000)
# Of one websocket: generations at once, and how long it may be silent or take nothing.
WEBSOCKET_MAX_GENERATIONS = env.integer("WEBSOCKET_MAX_GENERATIONS", 32, low=1, high=10_000)
WEBSOCKET_IDLE_S = env.integer("WEBSOCKET_IDLE_S", 300, low=1, high=86_400)
WEBSOCKET_STALL_S = env.integer("WEBSOCKET_STALL_S", 20, low=1, high=3600)
# How long a resumable generation waits for a client that lost its connection.
RESUME_WINDOW_S = env.integer("RESUME_WINDOW_S", 30, low=1, high=600)

# Who may have how much at once; the full limits join these in the same place.
MAX_CONCURRENT_PER_USER = env.integer("MAX_CONCURRENT_PER_USER", 256, low=1, high=1_000_000)
LEASE_TTL_S = env.integer("LEASE_TTL_S", 15, low=2, high=3600)
STORE_BODIES = env.boolean("STORE_BODIES", True)
HISTORY_RETENTION_DAYS = env.integer("HISTORY_RETENTION_DAYS", 90, low=0, high=36_500)
# How long the first answer to an Idempotency-Key is given again, and the largest that is kept.
IDEMPOTENCY_TTL_HOURS = env.integer("IDEMPOTENCY_TTL_HOURS", 24, low=1, high=720)
IDEMPOTENCY_MAX_ANSWER_BYTES = env.integer(
    "IDEMPOTENCY_MAX_ANSWER_BYTES", 1024 * 1024, low=1024, high=64 * 1024 * 1024
)

# Jobs: how long one may wait to be begun, and how long what came of it is kept.
JOB_DEADLINE_HOURS = env.integer("JOB_DEADLINE_HOURS", 24, low=1, high=720)
JOB_RETENTION_DAYS = env.integer("JOB_RETENTION_DAYS", 7, low=0, high=36_500)
JOBS_AT_ONCE = env.integer("JOBS_AT_ONCE", 8, low=1, high=256)  # of one worker process
MAX_QUEUED_JOBS_PER_USER = env.integer("MAX_QUEUED_JOBS_PER_USER", 10_000, low=1, high=1_000_000)
# Batches: lines under way at once on the whole platform, and how many there may be.
BATCH_LINES_AT_ONCE = env.integer("BATCH_LINES_AT_ONCE", 32, low=1, high=10_000)
MAX_BATCH_LINES = env.integer("MAX_BATCH_LINES", 50_000, low=1, high=1_000_000)
MAX_BATCHES_PER_USER = env.integer("MAX_BATCHES_PER_USER", 20, low=1, high=10_000)
# Files: how long one is kept, and how much one user may have.
FILE_RETENTION_DAYS = env.integer("FILE_RETENTION_DAYS", 30, low=0, high=36_500)
MAX_FILES_PER_USER = env.integer("MAX_FILES_PER_USER", 1_000, low=1, high=1_000_000)
MAX_FILE_BYTES_PER_USER = env.integer("MAX_FILE_BYTES_PER_USER", 10 << 30, low=1024, high=1 << 50)
# Webhooks: where they may go, how long a receiver may take, and what becomes of one that fails.
WEBHOOKS_ALLOW_PRIVATE = env.boolean("WEBHOOKS_ALLOW_PRIVATE", False)
WEBHOOKS_ALLOW_HTTP = env.boolean("WEBHOOKS_ALLOW_HTTP", False)
WEBHOOKS_TIMEOUT_S = env.integer("WEBHOOKS_TIMEOUT_S", 15, low=1, high=60)
WEBHOOKS_DISABLE_AFTER_DAYS = env.integer("WEBHOOKS_DISABLE_AFTER_DAYS", 5, low=1, high=365)
WEBHOOKS_LOG_DAYS = env.integer("WEBHOOKS_LOG_DAYS", 30, low=2, high=3650)


def _rates(group: str, by_address: list[str], by_name: list[str]) -> dict[str, list[str]]:
    return {
        "address": env.rates(f"{group}_RATES_BY_ADDRESS", by_address),
        "name": env.rates(f"{group}_RATES_BY_NAME", by_name),
    }


# How often one address and one user name may try what is worth guessing or flooding.
RATES = {
    "sign_in": _rates("SIGN_IN", ["20/m"], ["10/m", "50/h"]),
    "refresh": _rates("REFRESH", ["120/m"], ["30/m"]),
    "sign_up": _rates("SIGN_UP", ["10/h"], ["10/h"]),
    "key_creation": _rates("KEY_CREATION", ["120/h"], ["60/h"]),
    # About as many as two cores classify: against floods, and no bound on what models do.
    "upload": _rates("UPLOAD", ["6000/m"], ["3000/m"]),
    "webhook": _rates("WEBHOOK", ["120/m"], ["60/m"]),
    # Whoever calls a public endpoint of the API without a key or token.
    "anonymous": {"address": env.rates("ANONYMOUS_RATES", ["50/h", "200/d"]), "name": []},
}

# Of the models in the catalogue, those that the first run registers.
DEFAULT_MODELS = env.listing(
    "DEFAULT_MODELS", ["smollm2-135m-instruct", "all-minilm-l6-v2", "mobilenet-v2"]
)

SHUTDOWN_GRACE_S = env.integer("SHUTDOWN_GRACE_S", 10, low=1, high=600)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.DenyByDefault"],
    "DEFAULT_PARSER_CLASSES": ["aiplatform.json_media.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["aiplatform.json_media.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "aiplatform.errors.native_exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AI platform",
    "DESCRIPTION": "Models served to many people under limits. `/v1` speaks OpenAI's protocol.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/(api/)?v1",
    "ENUM_NAME_OVERRIDES": {
        "KeyStateEnum": "accounts.api.keys.serializers.STATES",
        "BatchStatusEnum": "inference.jobs.models.BatchStatus",
        "RequestStatusEnum": "inference.gateway.models.Status",
        "TaskStatusEnum": "inference.jobs.models.Status",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "aiplatform.schema_headers.describe_headers",
    ],
}

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR"])
LOG_FORMAT = env.choice("LOG_FORMAT", "json", ["json", "console"])
LOGGING_CONFIG = "aiplatform.logging.configure"
LOGGING = {"level": LOG_LEVEL, "format": LOG_FORMAT}
