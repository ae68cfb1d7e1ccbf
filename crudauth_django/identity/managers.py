"""Create accounts, and write them in bulk by the rules of ``save()``.

Another recovery value is unverified and ends every session. Another password
cancels a pending change of a verified account. Both follow in the one ``UPDATE``
that writes the value, and compare with the row instead of an instance.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Never, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import NotSupportedError, connections, models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.expressions import Col
from django.views.decorators.debug import sensitive_variables

from crudauth_django.identity.fields import AnyField
from crudauth_django.identity.normalize import normalize

UserT = TypeVar("UserT", bound=AbstractBaseUser)

#: Rows of one ``UPDATE`` of ``bulk_update()`` with implied changes. The values are
#: repeated in each of them, and SQLite before 3.32 allows 999 parameters.
MOST_ROWS = 50


class IsSame(Func):
    """Whether a column has exactly this value already; ``NULL`` equals ``NULL``."""

    template = "(%(expressions)s)"
    arg_joiner = " IS NOT DISTINCT FROM "
    arity = 2
    output_field = models.BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **kwargs: Any) -> Any:
        return self.as_sql(compiler, connection, arg_joiner=" IS ", **kwargs)

    def as_mysql(self, compiler: Any, connection: Any, **kwargs: Any) -> Any:
        # The default collations ignore case and accents (CVE-2019-19844).
        cast = {
            "template": "(CAST(%(expressions)s AS BINARY))",
            "arg_joiner": " AS BINARY) <=> CAST(",
        }
        return self.as_sql(compiler, connection, **cast, **kwargs)

    def as_oracle(self, compiler: Any, connection: Any, **kwargs: Any) -> Any:
        decode = {"template": "(DECODE(%(expressions)s, 1, 0) = 1)", "arg_joiner": ", "}
        return self.as_sql(compiler, connection, **decode, **kwargs)


def stored_value(field: AnyField, value: Any) -> Any:
    """Return the normalized value; ``None`` for an empty one of a nullable field.

    Raises ``ValidationError``, also for an expression.
    """
    empty = value is None or value == ""
    return None if empty and field.null else normalize(field, value)


def implied_changes(model: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes that follow from a write of the factor or the password.

    They depend on the row's old values. MariaDB and MySQL evaluate ``SET`` from
    left to right, so they must stand before ``changes``, in this order.
    """
    shape = model.shape()
    if shape.factor is None:
        return {}

    def new(name: str) -> Any:
        value = changes.get(name, F(name))
        expression = hasattr(value, "resolve_expression")
        field = model._meta.get_field(name)
        return value if expression else Value(value, output_field=field)

    def unless(condition: Q, name: str, value: Any) -> Case:
        return Case(When(condition, then=new(name)), default=value)

    written = changes.keys() & {shape.factor, "password"}
    same = {name: Q(IsSame(F(name), new(name))) for name in written}

    kept = Q()
    if "password" in same:
        # Another person may have known the old password and asked for the change.
        kept &= same["password"] | Q(**{shape.verified: False})
    if shape.factor not in same:
        return {shape.pending: unless(kept, shape.pending, None)} if same else {}
    moved = same[shape.factor]
    return {
        shape.pending: unless(kept & moved, shape.pending, None),
        "auth_epoch": unless(moved, "auth_epoch", F("auth_epoch") + 1),
        shape.verified: unless(moved, shape.verified, value=False),
    }


def _columns_in(expression: Any) -> Iterator[str]:
    """Yield the names of the columns that a resolved expression reads."""
    if isinstance(expression, Col):
        yield expression.target.name
    for source in getattr(expression, "get_source_expressions", list)():
        yield from _columns_in(source)


class AuthUserQuerySet(models.QuerySet[UserT, UserT]):
    """Accounts; each write follows the rules of the model's ``save()``."""

    def update(self, **changes: Any) -> int:
        """Update every row; identity values are normalized, expressions are not.

        Where the factor changes, the account is unverified and its sessions end.
        A value for ``<factor>_verified``, ``<factor>_pending`` or ``auth_epoch``
        in ``changes`` is written as given. Raises ``ValidationError`` by field.
        """
        self._for_write = True
        changes |= self._normalized(changes)
        implied = implied_changes(self.model, changes)
        implied = {n: value for n, value in implied.items() if n not in changes}
        if connections[self.db].vendor == "mysql":
            self._refuse_reads_of(implied.keys(), changes)
        return super().update(**implied, **changes)

    def bulk_update(
        self, objs: Iterable[UserT], fields: Iterable[str], batch_size: Any = None
    ) -> int:
        """Update the fields of these accounts, as :meth:`update` does."""
        self._for_write = True
        users, names = list[Any](objs), list(dict.fromkeys(fields))
        changed = [user.prepare_update(names) for user in users]
        implied = implied_changes(self.model, dict.fromkeys(names))
        if implied:
            batch_size = min(batch_size or MOST_ROWS, MOST_ROWS)
        rows = super().bulk_update(users, names, batch_size)
        for user, assigned in zip(users, changed, strict=True):
            if user.shape().factor in assigned and not implied.keys() & {*names}:
                user.mark_unverified()
            user.record_update(assigned, using=self.db)
        return rows

    def bulk_create(
        self, objs: Iterable[UserT], *args: Any, **kwargs: Any
    ) -> list[UserT]:
        """Insert these accounts; identity values are normalized.

        Raises ``ValidationError`` by field, and ``NotSupportedError`` for
        ``update_conflicts`` on the factor or the password.
        """
        users = list[Any](objs)
        names = kwargs.get("update_fields") or ()
        if implied_changes(self.model, dict.fromkeys(names)):
            raise NotSupportedError(
                "bulk_create() can't change the recovery value or the password of "
                "an existing account. Insert new accounts with ignore_conflicts, and "
                "change existing ones with update() or bulk_update()."
            )
        for user in users:
            user.prepare_insert()
        super().bulk_create(users, *args, **kwargs)
        return users

    def _normalized(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        model: Any = self.model
        plain = {n for n, v in changes.items() if not hasattr(v, "resolve_expression")}
        normalized, errors = {}, {}
        for name in plain & {*model.shape().columns}:
            field = model._meta.get_field(name)
            try:
                normalized[name] = stored_value(field, changes[name])
            except ValidationError as error:
                errors[name] = error
        if errors:
            raise ValidationError(errors)
        return normalized

    def _refuse_reads_of(
        self, implied: Iterable[str], changes: Mapping[str, Any]
    ) -> None:
        """Raise if an expression would read a column that was just overwritten."""
        for value in changes.values():
            if hasattr(value, "resolve_expression"):
                resolved = value.resolve_expression(self.query.chain())
                if read := {*implied} & {*_columns_in(resolved)}:
                    raise NotSupportedError(
                        "This database evaluates SET from left to right. Name "
                        f"{', '.join(sorted(read))} in the same update()."
                    )


class AuthUserManager(BaseUserManager[UserT]):
    """Creates accounts; every identifier and recovery value is normalized.

    Its rows are an :class:`AuthUserQuerySet`.
    """

    _queryset_class = AuthUserQuerySet

    @sensitive_variables("password")
    def create_user(
        self, *positional: Never, password: str | None = None, **values: Any
    ) -> UserT:
        """Create an account; without a password, password logins always fail.

        Raises ``ValidationError`` for a value that cannot be normalized, and
        ``IntegrityError`` for one that another account has.
        """
        if positional:
            # Models of different shapes would read the same arguments differently.
            model: Any = self.model
            name = model.USERNAME_FIELD
            raise TypeError(f"Pass keywords: create_user({name}=…, password=…)")
        user = self.model(**values)
        user.set_password(password)
        user.save(using=self._db)
        return user

    @sensitive_variables("password")
    def create_superuser(
        self, *positional: Never, password: str | None = None, **values: Any
    ) -> UserT:
        """Create an account with every permission."""
        flags = {"is_staff": True, "is_superuser": True}
        return self.create_user(*positional, password=password, **{**flags, **values})

    def get_by_natural_key(self, username: str | None) -> UserT:
        """Return the account with this ``USERNAME_FIELD``, normalized or not."""
        model: Any = self.model
        name = model.USERNAME_FIELD
        try:
            normalized = normalize(model._meta.get_field(name), username)
        except ValidationError as error:
            raise model.DoesNotExist from error
        return self.get(**{name: normalized})
