"""What is known while a run goes on: the outputs of everything that is there by now."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Mapping

from orchestra.engine.keyring import Keyring
from orchestra.errors import OrchestraError
from orchestra.model.address import Address
from orchestra.model.declaration import Declaration, Declared
from orchestra.model.expressions import Scope, evaluate, wrapped
from orchestra.model.resource import Resource
from orchestra.model.values import UNKNOWN, Value, Values, is_known
from orchestra.planning.comparing import secret_outputs
from orchestra.planning.inputs import (
    Final,
    check_planned,
    evaluated_at,
    finish,
    place_of,
    raw_inputs,
    sealed,
    sealed_like,
)
from orchestra.state.records import Record


class Live:
    """Resolves references against the state as it grows. Written by one thread, read by many."""

    def __init__(self, declaration: Declaration, keyring: Keyring, records: Mapping[Address, Record]) -> None:
        self._declaration = declaration
        self._keyring = keyring
        self._outputs: dict[Address, Values] = {address: record.outputs for address, record in records.items()}

    @property
    def scope(self) -> Scope:
        """Where values come from as of now. Not kept: it would keep this object, and all that is declared, alive."""
        return Scope(self._output, self._keyring.reveal, self._declaration.placeholders)

    def _output(self, resource: Resource, name: str) -> Value:
        outputs = self._outputs.get(self._declaration.address_of(resource), {})
        place = place_of(resource.kind.name, outputs.get("id"), name)
        value = self._keyring.open_value(outputs.get(name, UNKNOWN), place)
        field = resource.kind.outputs.get(name)
        return wrapped(value) if field is not None and field.secret and is_known(value) else value

    def secret_values(self) -> Iterator[Value]:
        """Values with every secret in them that is declared, or that the state has, as far as they can be known."""
        for item in self._declaration.resources.values():
            # whatever keeps a value from being known now keeps it from being told as well
            with contextlib.suppress(Exception):
                yield raw_inputs(item, self.scope)
            with contextlib.suppress(Exception):
                yield evaluate(item.triggers, self.scope)
            for secret in item.secrets:
                with contextlib.suppress(OrchestraError):
                    yield self._keyring.reveal(secret)
            for name in item.kind.outputs:
                with contextlib.suppress(OrchestraError):
                    yield self._output(item.resource, name)

    def learn_secrets(self) -> None:
        """Let every one of `secret_values` be hidden in what others say."""
        for value in self.secret_values():
            self._keyring.concealer.learn(value)

    def learn(self, address: Address, outputs: Values) -> None:
        """``address`` is ready, with these outputs."""
        self._outputs[address] = outputs

    def forget(self, address: Address) -> None:
        """``address`` is gone."""
        self._outputs.pop(address, None)

    def item(self, address: Address) -> Declared | None:
        """What is declared at ``address``."""
        return self._declaration.resources.get(address)

    def inputs(self, item: Declared, planned: Values) -> Final:
        """The inputs of ``item`` for a call, as planned and with the unknown filled in."""
        return finish(item, planned, self.scope, self._keyring.seal)

    def check(self, item: Declared, planned: Values) -> None:
        """Raise `StalePlanError` if an input that is known already is no longer what the plan says."""
        check_planned(item, planned, self.scope, self._keyring.seal)

    def triggers(self, item: Declared) -> Value:
        """The values that ``item`` is replaced on, sealed."""
        return sealed(evaluated_at(item.address, "replace_on", item.triggers, self.scope), self._keyring.seal)

    def told_inputs(self, told: Values, kept: Values) -> Values:
        """Inputs as a cloud tells them, with whatever is secret in ``kept`` sealed."""
        return {name: sealed_like(value, kept.get(name), self._keyring.seal) for name, value in told.items()}

    def told_outputs(self, address: Address, outputs: Values, inputs: Values) -> Values:
        """What a cloud told of ``address``, secrets marked; ``inputs`` are its inputs as they are kept.

        What is computed from a secret input is left out (None) where there is no key to keep it with.
        """
        item = self.item(address)
        if item is None:
            return outputs
        fields = item.kind.outputs
        marked = dict(outputs)
        for name in secret_outputs(fields, inputs) & outputs.keys():
            can_be_kept = fields[name].secret or self._keyring.has_key
            marked[name] = wrapped(outputs[name]) if can_be_kept else None
        self._keyring.concealer.learn(marked)
        return marked

    def kept_outputs(self, address: Address, outputs: Values, inputs: Values) -> Values:
        """``outputs`` as the state keeps them: secret ones encrypted; of what isn't declared, the id alone."""
        item = self.item(address)
        if item is None:
            return {name: value for name, value in outputs.items() if name == "id"}
        secret = secret_outputs(item.kind.outputs, inputs)
        told = self.told_outputs(address, outputs, inputs)
        return {
            name: self._keyring.lock(value, place_of(item.kind.name, outputs.get("id"), name))
            if name in secret
            else value
            for name, value in told.items()
        }


def secrets_to_come(
    declaration: Declaration, keyring: Keyring, records: Mapping[Address, Record]
) -> Callable[[], None]:
    """What lets every secret that is declared or recorded be hidden, for as long as ``keyring`` is there.

    The keyring knows whom to tell, who is to keep this: to hold it here would keep all of it alive in a circle.
    """
    known = weakref.ref(keyring)

    def learn() -> None:
        found = known()
        if found is not None:
            Live(declaration, found, records).learn_secrets()

    return learn
