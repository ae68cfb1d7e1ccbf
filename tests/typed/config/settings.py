SECRET_KEY = "for-types-only-" + "0123456789" * 5
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "phonenumber_field",
    "crudauth_django",
    "accounts",
    "members",
]
ROOT_URLCONF = "config.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["crudauth_django.backends.IdentifierBackend"]
CRUDAUTH_CHANNELS = ["accounts.sms.SmsChannel"]
CRUDAUTH_FRONTEND_URL = "https://app.example.com"
