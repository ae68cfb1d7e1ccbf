from django.db import models

from crudauth_django.models import AbstractAuthUser


class User(AbstractAuthUser):
    LOGIN_IDENTIFIERS = ("username",)
    RECOVERY_FACTOR = "email"
    email = models.EmailField("email address", unique=True, null=True, blank=True)
    first_name = models.CharField("first name", max_length=150, blank=True)
    last_name = models.CharField("last name", max_length=150, blank=True)
    nickname = models.CharField(max_length=50, blank=True)

    class Meta:
        verbose_name = "user"
        verbose_name_plural = "users"
