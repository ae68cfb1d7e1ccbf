from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.models import AbstractAuthUser


class User(AbstractAuthUser):
    LOGIN_IDENTIFIERS = ("username",)
    RECOVERY_FACTOR = "phone"
    phone = PhoneNumberField(unique=True, null=True, blank=True)
    contact_email = models.EmailField(blank=True)
