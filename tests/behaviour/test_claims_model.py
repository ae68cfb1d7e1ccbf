"""A model of claims: any order of steps by the owner of a value and by another person.

Sources: Sudhodanan and Paverd, "Pre-hijacked accounts" (USENIX Security 2022);
OWASP ASVS 5.0, 6.3 (enumeration). ``CRUDAUTH_MODEL_STEPS`` sets how many steps each
machine takes, 300 by default.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
    run_state_machine_as_test,
)

from crudauth_django.conf.readers import THROTTLES
from crudauth_django.users import user_model, user_shape
from tests.support.world import OTHER, OWNER, PEOPLE, World, holders

pytestmark = [pytest.mark.django_db, pytest.mark.needs_factor, pytest.mark.slow]

STEPS = 30
#: Shrinking repeats every request many times: ``CRUDAUTH_MODEL_SHRINK`` asks for it.
PHASES = [
    p for p in Phase if p != Phase.shrink or "CRUDAUTH_MODEL_SHRINK" in os.environ
]
EXAMPLES = max(1, int(os.environ.get("CRUDAUTH_MODEL_STEPS", "300")) // STEPS)

people = st.sampled_from(PEOPLE)
numbers = st.integers(0, 1)
indexes = st.integers(0, 7)
values = st.sampled_from(["mine", "contested", "other0", "other1"])
paths = st.sampled_from(["/email/verify-request", "/password/reset-request"])


def run(machine: type[RuleBasedStateMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
            phases=PHASES,
        ),
    )


@pytest.fixture(autouse=True)
def no_throttles(settings):
    """Let one network send all requests; failed logins still count."""
    settings.CRUDAUTH_THROTTLES = dict.fromkeys(THROTTLES)
    settings.CRUDAUTH_TARGET_BUDGET = None


def identifiers() -> st.SearchStrategy[str]:
    return st.deferred(lambda: st.sampled_from(user_shape().identifiers))


class Claims(RuleBasedStateMachine):
    """Every step by either person; the owner opens any message."""

    #: Whether a link is trusted without a proof while no other account has the value.
    trusts_uncontested = True

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        #: Accounts that the owner's click verified while nobody contested the value.
        self.trusted: set[object] = set()

    def teardown(self) -> None:
        self.world.end()

    def step(self, person: str, name: str, *args: object, **kwargs: object) -> None:
        value = self.world.value("mine")
        before = self._verified(value)
        contestants = self._contestants(value)
        getattr(self.world, name)(*args, **kwargs)
        after = self._verified(value)
        assert len(holders(value)) <= 1, "two accounts hold one value"
        if person == OTHER:
            assert before <= after, "the other person took a verified value"
            assert after <= before, "the other person verified the owner's value"
        for pk in after - before:
            if self.trusts_uncontested and contestants <= {pk}:
                self.trusted.add(pk)
        for pk in after:
            chosen_by, _number = self.world.passwords[pk]
            assert chosen_by == OWNER or pk in self.trusted, (
                "the other person's password opens an account with the owner's value"
            )

    @rule(person=people, number=numbers, value=values)
    def register(self, person, number, value):
        self.step(person, "register", person, number, value)

    @rule(person=people, number=numbers, identifier=identifiers())
    def log_in(self, person, number, identifier):
        self.step(person, "log_in", person, number, identifier)

    @rule(person=people, path=paths, value=values)
    def ask(self, person, path, value):
        self.step(person, "ask", person, path, value)

    @rule(person=people, number=numbers, value=values)
    def change(self, person, number, value):
        self.step(person, "change", person, number, value)

    @rule(person=people, index=indexes, number=numbers)
    def open(self, person, index, number):
        self.step(person, "open", person, index, number)

    @rule(person=people, index=indexes, number=numbers)
    def open_with_password(self, person, index, number):
        self.step(person, "open_with_password", person, index, number)

    @rule(person=people, number=numbers)
    def change_password(self, person, number):
        self.step(person, "change_password", person, number)

    @rule(index=indexes, active=st.booleans())
    def close(self, index, active):
        self.step("operator", "close", index, active=active)

    @rule(number=numbers)
    def adopt(self, number):
        self.step("operator", "adopt", number, "mine")

    def _verified(self, value: str) -> set[object]:
        return {user.pk for user in holders(value) if user.is_recovery_verified}

    def _contestants(self, value: str) -> set[object]:
        shape, rows = user_shape(), user_model()._base_manager
        held = rows.filter(**{shape.recovery_factor: value})
        claimed = rows.filter(**{shape.pending: value})
        return {user.pk for user in (*held, *claimed)}


class StrictClaims(Claims):
    """The same, with a proof for every link."""

    trusts_uncontested = False


class Observer(RuleBasedStateMachine):
    """The other person's view, with the owner's value contested or another one.

    The owner takes the same steps in both worlds, with one value or the other. The
    owner opens only messages for own accounts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.steps: list[tuple[str, tuple[object, ...], dict[str, object]]] = []

    def step(self, name: str, *args: object, **kwargs: object) -> None:
        self.steps.append((name, args, kwargs))
        getattr(self.world, name)(*args, **kwargs)

    def teardown(self) -> None:
        self.step("look", OTHER)
        self.world.end()
        free = World(owners="free")
        try:
            for name, args, kwargs in self.steps:
                getattr(free, name)(*args, **kwargs)
        finally:
            free.end()
        assert self.world.seen == free.seen

    @rule(number=numbers, value=st.sampled_from(["contested", "other0", "other1"]))
    def register(self, number, value):
        self.step("register", OTHER, number, value)

    @rule(number=numbers)
    def register_owner(self, number):
        self.step("register", OWNER, number, "mine")

    @rule(
        number=numbers,
        identifier=st.deferred(
            lambda: st.sampled_from([*user_shape().identifiers, "other0"])
        ),
    )
    def log_in(self, number, identifier):
        self.step("log_in", OTHER, number, identifier)

    @rule(number=numbers, identifier=identifiers())
    def log_in_owner(self, number, identifier):
        self.step("log_in", OWNER, number, identifier)

    @rule(number=numbers, value=st.sampled_from(["contested", "other0"]))
    def sign_up(self, number, value):
        self.step("register", OTHER, number, value)
        self.step("log_in", OTHER, number, user_shape().identifiers[0])

    @rule(number=numbers)
    def sign_up_owner(self, number):
        self.step("register", OWNER, number, "mine")
        self.step("log_in", OWNER, number, user_shape().identifiers[0])
        self.step("open", OWNER, 0, number, own=True)

    @rule(path=paths, value=st.sampled_from(["contested", "other0", "other1"]))
    def ask(self, path, value):
        self.step("ask", OTHER, path, value)

    @rule(path=paths)
    def ask_owner(self, path):
        self.step("ask", OWNER, path, "mine")

    @rule(number=numbers, value=st.sampled_from(["contested", "other0", "other1"]))
    def change(self, number, value):
        self.step("change", OTHER, number, value)

    @rule(index=indexes, number=numbers)
    def open(self, index, number):
        self.step("open", OTHER, index, number)

    @rule(index=indexes, number=numbers)
    def open_owner(self, index, number):
        self.step("open", OWNER, index, number, own=True)

    @rule(index=indexes, number=numbers)
    def open_with_password_owner(self, index, number):
        self.step("open_with_password", OWNER, index, number, own=True)

    @rule(number=numbers)
    def change_password(self, number):
        self.step("change_password", OTHER, number)

    @rule()
    def look(self):
        self.step("look", OTHER)

    @rule(number=numbers)
    def adopt(self, number):
        self.step("adopt", number, "mine")


def test_claims_hold_in_any_order():
    run(Claims)


def test_claims_hold_if_every_link_needs_a_proof(settings):
    settings.CRUDAUTH_VERIFY_REQUIRES_PASSWORD = True
    run(StrictClaims)


def test_other_person_sees_no_difference(settings):
    # A login by a claimed value would fail, and by a free one succeed.
    by_value = user_shape().factor in user_shape().identifiers
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = by_value
    run(Observer)
