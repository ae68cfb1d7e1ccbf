"""Teach mypy the fields added to user models by their metaclass.

List it in ``plugins`` beside ``mypy_django_plugin.main``, in any order. That
plugin loads the project's models, and this one reads their fields.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.db import models
from mypy import nodes, types
from mypy.plugin import ClassDefContext, MethodSigContext, Plugin
from mypy.plugins.common import add_attribute_to_class
from mypy.typeanal import make_optional_type

__all__ = ["UserModelPlugin", "plugin"]

_USER = "crudauth_django.models.AbstractAuthUser"
_MANAGER = "crudauth_django.identity.managers.AuthUserManager"
_FIELD = "django.db.models.fields.Field"


class UserModelPlugin(Plugin):
    """Add the fields to the class, and to the keywords of ``create_user``."""

    def get_customize_class_mro_hook(
        self, fullname: str
    ) -> Callable[[ClassDefContext], None] | None:
        # mypy calls one plugin for each hook. The Django plugin has the hook for
        # base classes; it leaves this one free for models.
        symbol = self.lookup_fully_qualified(fullname)
        info = symbol.node if symbol else None
        is_user = isinstance(info, nodes.TypeInfo) and info.has_base(_USER)
        return _add_fields if is_user else None

    def get_method_signature_hook(
        self, fullname: str
    ) -> Callable[[MethodSigContext], types.CallableType] | None:
        creating = {f"{_MANAGER}.create_user", f"{_MANAGER}.create_superuser"}
        return _name_keywords if fullname in creating else None


def plugin(_version: str) -> type[Plugin]:
    """Return the plugin; mypy calls this function."""
    return UserModelPlugin


def _add_fields(context: ClassDefContext) -> None:
    """Add each field of the loaded model, unless the class or a base declares it."""
    if not apps.models_ready:
        message = "crudauth_django.mypy_plugin needs mypy_django_plugin.main"
        context.api.fail(message, context.cls)
        return
    model = _loaded_model(context.cls.info)
    declared = set(_assigned_names(context.cls.defs))
    for field in model._meta.local_concrete_fields if model else ():
        known = field.name in declared or context.cls.info.get(field.name)
        if field.auto_created or known:
            continue
        field_type = _field_type(field, context)
        if field_type is None:
            context.api.defer()
            return
        add_attribute_to_class(context.api, context.cls, field.name, field_type)


def _name_keywords(context: MethodSigContext) -> types.CallableType:
    """Replace ``**values`` by one keyword for each field of the loaded model."""
    signature = context.default_signature
    call, user = context.context, types.get_proper_type(signature.ret_type)
    # mypy would compare every value of a ``**dictionary`` with every keyword.
    if not isinstance(call, nodes.CallExpr) or nodes.ARG_STAR2 in call.arg_kinds:
        return signature
    if not (isinstance(user, types.Instance) and (model := _loaded_model(user.type))):
        return signature
    fields = model._meta.concrete_fields
    names = {"pk", *(name for field in fields for name in (field.name, field.attname))}
    added = sorted(names - set(signature.arg_names))
    return signature.copy_modified(
        arg_names=[*signature.arg_names[:-1], *added],
        arg_kinds=[*signature.arg_kinds[:-1], *[nodes.ARG_NAMED_OPT] * len(added)],
        arg_types=[
            *signature.arg_types[:-1],
            *(_settable_type(user.type, name) for name in added),
        ],
    )


def _loaded_model(info: nodes.TypeInfo) -> type[models.Model] | None:
    """Return the model of this name; ``None`` for an abstract one."""
    loaded = apps.get_models(include_swapped=True) if apps.models_ready else []
    by_name = {f"{model.__module__}.{model.__qualname__}": model for model in loaded}
    return by_name.get(info.fullname)


def _assigned_names(block: nodes.Block) -> Iterator[str]:
    """Yield the names assigned or annotated in a class body, also under an ``if``.

    mypy has not read the body yet: the class has no attributes of its own.
    """
    for statement in block.body:
        if isinstance(statement, nodes.AssignmentStmt):
            targets = statement.lvalues
            yield from (t.name for t in targets if isinstance(t, nodes.NameExpr))
        elif isinstance(statement, nodes.IfStmt):
            for inner in filter(None, [*statement.body, statement.else_body]):
                yield from _assigned_names(inner)


def _field_type(
    field: "models.Field[Any, Any]", context: ClassDefContext
) -> types.Type | None:
    """Return the type of a field; ``None`` while mypy has not read its class."""
    unknown = types.AnyType(types.TypeOfAny.explicit)
    field_class = type(field)
    symbol = context.api.lookup_fully_qualified_or_none(
        f"{field_class.__module__}.{field_class.__qualname__}"
    )
    arguments: list[types.Type | None] = [None, None]
    if symbol and isinstance(symbol.node, nodes.TypeInfo):
        # django-stubs has the type to assign and the type to read under these names.
        names = ("_pyi_private_set_type", "_pyi_private_get_type")
        private = map(symbol.node.get, names)
        arguments = [found.type if found else unknown for found in private]
    elif field_class.__module__ not in context.api.modules:
        arguments = [unknown, unknown]
    if None in arguments and not context.api.final_iteration:
        return None
    known = [argument or unknown for argument in arguments]
    if field.null:
        known = [make_optional_type(argument) for argument in known]
    return context.api.named_type(_FIELD, known)


def _settable_type(user: nodes.TypeInfo, name: str) -> types.Type:
    """Return the type to assign, the first argument of a field's type."""
    symbol = user.get(name)
    found = types.get_proper_type(symbol.type) if symbol else None
    if isinstance(found, types.Instance) and found.type.has_base(_FIELD) and found.args:
        return found.args[0]
    return types.AnyType(types.TypeOfAny.explicit)
