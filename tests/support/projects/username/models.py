from crudauth_django.models import AbstractAuthUser


class User(AbstractAuthUser):
    LOGIN_IDENTIFIERS = ("username",)
    RECOVERY_FACTOR = None
