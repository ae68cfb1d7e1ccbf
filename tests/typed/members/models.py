from typing import ClassVar

from django.db import models

from crudauth_django.models import AbstractAuthUser, AuthUserManager


class MemberManager(AuthUserManager["Member"]):
    def verified(self) -> "models.QuerySet[Member]":
        return self.filter(email_verified=True)


class Member(AbstractAuthUser):
    LOGIN_IDENTIFIERS = ("username",)
    RECOVERY_FACTOR = "email"

    # Emitted; pyright has no plugins, and reads annotations.
    username: str
    email: str | None
    email_verified: bool
    email_pending: str | None

    # pyright wants the same class as in the base, mypy a subclass.
    objects: ClassVar[MemberManager] = MemberManager()  # pyright: ignore[reportIncompatibleVariableOverride]
