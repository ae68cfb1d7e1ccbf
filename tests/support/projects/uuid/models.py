import uuid

from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.models import AbstractAuthUser


class User(AbstractAuthUser):
    LOGIN_IDENTIFIERS = ("username",)
    RECOVERY_FACTOR = "phone"
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    phone = PhoneNumberField(unique=True, null=True, blank=True)
    nickname = models.CharField(max_length=40, blank=True)
    credit = models.IntegerField(default=0)
    membership = models.CharField(max_length=20, unique=True, null=True, blank=True)
