"""The phone shape with only README's settings, and raised limits.

The environment raises rates, so that there are samples enough; every count is
still made.
"""

from tests.support.projects.phone import settings as phone

globals().update(
    {
        name: value
        for name, value in vars(phone).items()
        if name.isupper()
        and name
        not in {"PASSWORD_HASHERS", "CRUDAUTH_DISPATCHER", "CRUDAUTH_FRONTEND_URL"}
    }
)
