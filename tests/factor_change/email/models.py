from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.models import AbstractAuthUser


class User(AbstractAuthUser):
    LOGIN_IDENTIFIERS = ("username",)
    RECOVERY_FACTOR = "email"
    phone = PhoneNumberField(unique=True, null=True, blank=True)
    phone_confirmed = models.BooleanField(default=False, editable=False)
    contact_email = models.EmailField(blank=True)
