"""A hasher with the parameters that OWASP recommends.

It takes less time and a fifth of the memory of Django's Argon2, so a server compares
several times as many passwords. Put it first in ``PASSWORD_HASHERS``; docs/hashers.md
says what each costs a server and an attacker.
"""

from django.contrib.auth.hashers import Argon2PasswordHasher

__all__ = ["OwaspArgon2PasswordHasher"]


class OwaspArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one thread.

    Source: OWASP Password Storage Cheat Sheet, "Argon2id". Hashes of Django's own
    Argon2 stay valid, and the next login of their owner replaces them.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1
