"""What is known while a run goes on: the outputs of everything that is there by now."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.engine.keyring import Keyring
from orchestra.model.address import Address
from orchestra.model.declaration import Declaration, Declared
from orchestra.model.expressions import Scope
from orchestra.model.resource import Resource
from orchestra.model.values import UNKNOWN, Revealed, Value, Values
from orchestra.planning.inputs import Final, check_planned, evaluated_at, finish, sealed
from orchestra.state.records import Record


class Live:
    """Resolves references against the state as it grows. Written by one thread, read by many."""

    def __init__(self, declaration: Declaration, keyring: Keyring, records: Mapping[Address, Record]) -> None:
        self._declaration = declaration
        self._keyring = keyring
        self._outputs: dict[Address, Values] = {address: record.outputs for address, record in records.items()}
        self.scope = Scope(self._output, keyring.reveal, declaration.placeholders)

    def _output(self, resource: Resource, name: str) -> Value:
        outputs = self._outputs.get(self._declaration.address_of(resource), {})
        value = self._keyring.open_value(outputs.get(name, UNKNOWN))
        field = resource.kind.outputs.get(name)
        if field is not None and field.secret and isinstance(value, (str, int, float)):
            return Revealed(value)
        return value

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

    def kept_outputs(self, address: Address, outputs: Values) -> Values:
        """``outputs`` as the state keeps them: secret ones encrypted; of what isn't declared, the id alone."""
        item = self.item(address)
        if item is None:
            return {name: value for name, value in outputs.items() if name == "id"}
        return {
            name: self._keyring.lock(value) if (field := item.kind.outputs.get(name)) and field.secret else value
            for name, value in outputs.items()
        }
