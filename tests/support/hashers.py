"""Hashers that a test names in ``PASSWORD_HASHERS``; each hashes as its parent does."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.hashers import Argon2PasswordHasher, MD5PasswordHasher

from crudauth_django.users import user_model

COUNTING = "tests.support.hashers.CountingHasher"
OVERTAKING = "tests.support.hashers.OvertakingHasher"


class CountingHasher(Argon2PasswordHasher):
    """Writes down every hash that it makes, to keep one or to compare with one."""

    time_cost = 1
    memory_cost = 64
    parallelism = 1
    made: ClassVar[list[str]] = []

    def encode(self, password, salt):
        self.made.append("encode")
        return super().encode(password, salt)

    def verify(self, password, encoded):
        self.made.append("verify")
        return super().verify(password, encoded)


class OvertakingHasher(MD5PasswordHasher):
    """While it makes a hash, somebody else sets every password."""

    algorithm = "overtaking"

    def encode(self, password, salt):
        user_model().objects.update(password="another")
        return super().encode(password, salt)
