from django.db import models

from crudauth_django.models import AbstractAuthUser


class User(AbstractAuthUser):
    LOGIN_IDENTIFIERS = ("email",)
    RECOVERY_FACTOR = "email"
    nickname = models.CharField(max_length=40, blank=True)
    credit = models.IntegerField(default=0)
    membership = models.CharField(max_length=20, unique=True, null=True, blank=True)
    details = models.JSONField(default=dict, blank=True)
