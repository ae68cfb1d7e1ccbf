"""Settings of the example project: SQLite, and a gateway on loopback.

The environment variables ``EXAMPLE_DATABASE`` and ``EXAMPLE_URL`` replace the path
of the database and the address of the site.
"""

import os
from pathlib import Path

SITE_URL = os.environ.get("EXAMPLE_URL", "http://127.0.0.1:8000")
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "example-only-change-me-" + "0123456789" * 4
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "phonenumber_field",
    "crudauth_django",
    "crudauth_django.delivery_log",
    "accounts",
    "gateway",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("EXAMPLE_DATABASE", BASE_DIR / "db.sqlite3"),
        "OPTIONS": {"timeout": 20},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
INTERNAL_IPS = ["127.0.0.1"]
STATIC_URL = "static/"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["crudauth_django.backends.IdentifierBackend"]
CRUDAUTH_CHANNELS = ["accounts.sms.SmsChannel"]
CRUDAUTH_FRONTEND_URL = SITE_URL

# The example's simulated gateway. A real gateway has an address and a key.
SMS_GATEWAY_URL = f"{SITE_URL}/gateway/messages"
# Whether visitors may register. A test closes registration.
CRUDAUTH_REGISTRATION_OPEN = bool(os.environ.get("EXAMPLE_REGISTRATION_OPEN", "yes"))
