"""Mistakes which mypy must report, each with its code.

``warn_unused_ignores`` makes a comment an error where nothing is reported.
"""

from typing import ClassVar

from django.http import HttpRequest

from accounts.models import Subscriber, User
from accounts.views import report, statement
from crudauth_django.models import AbstractAuthUser, AuthUserManager
from crudauth_django.permissions import recovery_verified_required


class UserManager(AuthUserManager[User]):
    pass


class Guest(AbstractAuthUser):
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        abstract = True


def managers() -> Subscriber:
    User.objects.active()  # type: ignore[attr-defined]
    return User.objects.get()  # type: ignore[return-value]


def fields(user: User, subscriber: Subscriber) -> None:
    print(user.phone_verifed)  # type: ignore[attr-defined]
    print(user.email)  # type: ignore[attr-defined]
    print(subscriber.username)  # type: ignore[attr-defined]
    print(subscriber.email_pending.lower())  # type: ignore[union-attr]
    user.phone_verified = "yes"  # type: ignore[assignment]
    subscriber.email = None  # type: ignore[assignment]


def lookups() -> None:
    User.objects.filter(phone_verifed=True)  # type: ignore[misc]
    User.objects.filter(phone_verified="yes")  # type: ignore[misc]


def creating() -> None:
    User.objects.create_user(usernam="ada")  # type: ignore[call-arg]
    User.objects.create_user(username=["ada"])  # type: ignore[arg-type]
    User.objects.create_superuser(email="ada@example.com")  # type: ignore[call-arg]
    Subscriber.objects.create_user(email_verified="yes")  # type: ignore[arg-type]


async def gates(request: HttpRequest) -> None:
    statement(request, number="1")  # type: ignore[arg-type]
    statement(request)  # type: ignore[call-arg]
    print(report(request, name="1").content)  # type: ignore[attr-defined]


@recovery_verified_required  # type: ignore[type-var]
def no_view(request: HttpRequest) -> str:
    return "text"
