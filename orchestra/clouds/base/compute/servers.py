"""Servers: Libcloud's nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from orchestra.clouds.base.compute import choosing
from orchestra.clouds.base.compute.listed import Listed
from orchestra.clouds.base.compute.marking import RESIZING
from orchestra.clouds.base.compute.traits import Access, Launch, Rest, Told, Traits
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InProgressError, InvalidRequestError
from orchestra.model.values import Plain

_ASKED_FOR = 100
"""How many ids go into one request that asks for certain ones."""
_STOP_POLL = 20.0
"""Seconds after which it is worth looking whether a server has stopped, or has its new size."""


class ServerCalls(Listed):
    """A server. Its user data and its key aren't told: no driver reads them back."""

    kind = "compute.Server"

    def __init__(self, traits: Traits) -> None:
        super().__init__(traits.servers)
        self._family = traits.family
        self._traits = traits.servers

    def create(self, driver: Access, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. These clouds take no idempotency token, so what the token made is looked for first."""
        launch = Launch(
            name=self.name_for(owner),
            tags=self.tags_for(owner, inputs.labels()),
            image=_chosen(inputs, "image"),
            size=_chosen(inputs, "size"),
            key_pair=inputs.optional_text("key_pair"),
            subnet=inputs.optional_text("subnet"),
            firewalls=inputs.texts("firewalls"),
            user_data=inputs.optional_text("user_data"),
        )
        found = self.search(driver, owner, inputs)
        told = self.one(driver, found.external_id) if found else self._traits.launch(driver, launch)
        return self._observed(self._traits.finish(driver, told, launch) if self._traits.finish else told)

    def read(self, driver: Access, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: where the cloud can be asked for certain ids, so many at a time as fit into a URL."""
        if self._traits.some is None:
            yield from super().read(driver, ids)
            return
        for start in range(0, len(ids), _ASKED_FOR):
            yield from self._observations(self._traits.some(driver, ids[start : start + _ASKED_FOR]))

    def search(self, driver: Access, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: the cloud is asked for it, where it can be."""
        if self._traits.mine is None:
            return super().search(driver, owner, inputs)
        return next(self._observations(self._traits.mine(driver, owner)), None)

    def _observations(self, told: Iterable[Told]) -> Iterator[Observation]:
        return (found for one in told if (found := self.observe(one)) is not None)

    def observe(self, told: Told) -> Observation | None:
        """See `Listed.observe`."""
        return None if told.state in self._traits.gone else self._observed(told)

    def _observed(self, told: Told) -> Observation:
        is_broken_off = RESIZING in told.tags and not self._is_running(told)
        choices: dict[str, str | None] = {"image": told.image, "size": None if is_broken_off else told.size}
        return Observation(
            external_id=told.id,
            status=self._traits.statuses.get(told.state, Status.PENDING),
            inputs={
                **{name: {"id": chosen} for name, chosen in choices.items() if chosen},
                **({} if told.firewalls is None else {"firewalls": sorted(told.firewalls)}),
                **self.labels_told(told),
            },
            outputs={"private_ip": told.private_ip, "public_ip": told.public_ip, "zone": told.region},
            detail=told.state,
            ownership=self.owner_of(told),
            name=told.name,
        )

    def update(self, driver: Access, external_id: str, update: Update) -> Observation:
        """See `Calls.update`. Where a new size stops it first, it has a mark on it until it is started again.

        While it is stopping, `InProgressError` says when to call again: the same call then goes on from there.
        """
        self.relabel(driver, external_id, update, self._traits.retag)
        if self._traits.guard is not None and "firewalls" in update.changed:
            self._traits.guard(driver, self.one(driver, external_id), update.after.texts("firewalls"))
        if "size" in update.changed:
            self._resize(driver, self.one(driver, external_id), _chosen(update.after, "size"))
        return self.look_up(driver, external_id)

    def delete(self, driver: Access, external_id: str) -> None:
        """See `Calls.delete`."""
        self._traits.destroy(driver, self.one(driver, external_id))

    def choose(self, driver: Access, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`: an id of the cloud's own is taken as it is."""
        if isinstance(wanted.get("id"), str):
            return str(wanted["id"])
        if name == "image":
            return choosing.image(driver, self._traits.image, wanted, self._family)
        if name == "size":
            return choosing.size(driver, self._traits.offers, wanted, self._family)
        return super().choose(driver, name, wanted)

    # -- another size

    def _is_running(self, told: Told) -> bool:
        return self._traits.rest is None or told.state == self._traits.rest.running

    def _resize(self, access: Access, told: Told, size: str) -> None:
        resize, rest = self._traits.resize, self._traits.rest
        if resize is None:
            raise InvalidRequestError(
                f"{self._family} can't change the size of server {told.id} in place",
                sent=False,
                remedy=f"replace it: plan(replace=[…]) makes one of size {size}",
            )
        if rest is None:
            if told.size != size:
                resize(access, self._settled(told), size)
            return
        if told.size != size:
            told = self._at_rest(access, told, rest)
            try:
                resize(access, told, size)
            except Exception:
                rest.start(access, told)  # a size that can't be had must not leave it stopped
                self._unmark(access, told)
                raise
            told = self.one(access, told.id)
        if told.state != rest.running:
            rest.start(access, self._stopped(told, rest))
        self._unmark(access, told)

    def _at_rest(self, access: Access, told: Told, rest: Rest) -> Told:
        """The server when it has stopped, with the mark on it if it was us who stopped it."""
        if told.state == rest.running:
            if self._traits.retag is not None:
                self._traits.retag(access, told, [*told.tags, RESIZING])
            rest.stop(access, told)
            told = self.one(access, told.id)
        return self._stopped(told, rest)

    def _stopped(self, told: Told, rest: Rest) -> Told:
        return told if told.state == rest.stopped else self._waited_for(told)

    def _settled(self, told: Told) -> Told:
        """The server, unless something is being done to it, such as giving it another size."""
        is_busy = self._traits.statuses.get(told.state, Status.PENDING) is Status.PENDING
        return self._waited_for(told) if is_busy else told

    def _waited_for(self, told: Told) -> Told:
        raise InProgressError(
            f"server {told.id} is {told.state}: that comes to an end before its size is changed",
            retry_after=_STOP_POLL,
        )

    def _unmark(self, access: Access, told: Told) -> None:
        if self._traits.retag is not None and RESIZING in told.tags:
            self._traits.retag(access, told, [tag for tag in told.tags if tag != RESIZING])


def _chosen(inputs: Inputs, name: str) -> str:
    """The id of a choice."""
    value = inputs.values.get(name)
    return str(value["id"]) if isinstance(value, Mapping) else inputs.text(name)
