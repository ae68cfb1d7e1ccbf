"""The phone shape with the settings of the README alone, and raised limits.

The environment raises the rates, so that there are enough samples. Every request
is still counted.
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
