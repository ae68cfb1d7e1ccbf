from django.db import models

from crudauth_django.models import AbstractAuthUser


class User(AbstractAuthUser):
    LOGIN_IDENTIFIERS = ("employee_id",)
    RECOVERY_FACTOR = "whatsapp_id"
    employee_id = models.CharField(max_length=20, unique=True)
    whatsapp_id = models.CharField(max_length=40, unique=True, null=True, blank=True)
