from crudauth_django.models import AbstractAuthUser


class User(AbstractAuthUser):
    LOGIN_IDENTIFIERS = ("email", "username")
    RECOVERY_FACTOR = "email"
