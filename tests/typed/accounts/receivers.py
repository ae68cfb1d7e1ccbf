from typing import Any

from django.dispatch import receiver

from accounts.models import User
from crudauth_django.client import Client
from crudauth_django.signals import recovery_verified


@receiver(recovery_verified)
def welcome(*, user: User, client: Client, **_kwargs: Any) -> None:
    print(f"{user.username} verified {user.phone} from {client.address}")
