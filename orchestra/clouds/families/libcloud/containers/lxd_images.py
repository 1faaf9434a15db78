"""Images on LXD. Their external id is a name of our own for the image, which stays on the one that it was given to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.base.tolerance import if_there, tolerating
from orchestra.clouds.families.libcloud.containers.lxd import (
    ALIASES,
    IMAGES,
    FailedOperationError,
    Item,
    an_alias,
    an_image,
    ask,
    assert_trusted,
    clock,
    done,
    settle,
)
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, InvalidRequestError, NotFoundError

PROTOCOL: Final = "image_protocol"
"""The setting that says how servers of images are spoken to: ``simplestreams``, or ``lxd``."""
_STEM: Final = "orchestra-"
_COPIED: Final = "orchestra-copied-"
"""How the name begins that an image has which is to go with the last of its other names."""
_SINCE: Final = "since"
"""In the description: LXD's time when the copy was asked for. An image that is older was there before."""
_URL: Final = re.compile(r"https?://.+")
_REMOTE: Final = re.compile(r"([^/]*[.:][^/]*)/(.+)")
"""A server and what the image is called there."""
_DIGESTED: Final = re.compile(r"(?:.*@sha256:)?([0-9a-f]{64})")


class ImageCalls(Calls[LibcloudDriver]):
    """An image that is there or is copied there. LXD has each only once, whoever wants it, under several names.

    One of those is ours, and says in its description whose it is. The last one that had it copied removes it.
    """

    kind = "containers.ContainerImage"
    page = None
    found_by = FoundBy.TAG
    found_key = "an alias of our own for the image, which ends with the token"

    def create(self, driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: copied with our name for it in the same request; a second one of the name is refused."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        name = inputs.text("name")
        source = _source(driver, name)
        try:
            if source is None:
                alias = {**_mark(owner, name), "target": _target(driver, name)}
                ask(driver, "POST", ALIASES, alias)
            else:
                alias = _mark(owner, name, **{_SINCE: clock(driver).isoformat()})
                done(driver, "POST", IMAGES, {"source": source, "aliases": [alias]})
        except FailedOperationError as error:
            made = self.search(driver, owner, inputs)
            if made is None:
                raise InvalidRequestError(
                    f"the image {name} can't be copied: {error.message}",
                    remedy=f"check its name, its server and {PROTOCOL} in options",
                ) from error
            return made
        return self.look_up(driver, alias["name"])

    def read(self, driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: one list."""
        wanted = frozenset(ids)
        return (one for one in self.everything(driver) if one.external_id in wanted)

    def look_up(self, driver: LibcloudDriver, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        assert_trusted(driver)
        alias = ask(driver, "GET", an_alias(external_id))
        return _told(alias, _meanings(ask(driver, "GET", ALIASES, recursion="1")))

    def search(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by our name for it, once what is being copied is there."""
        settle(driver)
        return if_there(lambda: self.look_up(driver, f"{_STEM}{owner.token}"))

    def update(self, driver: LibcloudDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of an image can be changed in place."""
        return self.look_up(driver, external_id)

    def delete(self, driver: LibcloudDriver, external_id: str) -> None:
        """See `Calls.delete`: our name goes; the image too, if it was copied for us and has no other name.

        If it has, one more name says that it is to go with the last of them: whoever deletes that, finds it.
        """
        assert_trusted(driver)
        alias = ask(driver, "GET", an_alias(external_id))
        image = ask(driver, "GET", an_image(alias["target"]))
        copied = f"{_COPIED}{image['fingerprint']}"
        if _was_copied(alias, image):
            if _names(image) == {external_id}:
                _remove(driver, image["fingerprint"])
                return
            with tolerating(ConflictError):
                told = {
                    "name": copied,
                    "target": image["fingerprint"],
                    "description": "goes with the last of its names",
                }
                ask(driver, "POST", ALIASES, told)
        ask(driver, "DELETE", an_alias(external_id))
        left = if_there(lambda: ask(driver, "GET", an_image(image["fingerprint"])))
        if left is not None and _names(left) == {copied}:
            _remove(driver, image["fingerprint"])

    def everything(self, driver: LibcloudDriver) -> Iterator[Observation]:
        """See `Calls.everything`: each name of an image is one of its own."""
        assert_trusted(driver)
        aliases = ask(driver, "GET", ALIASES, recursion="1")
        meanings = _meanings(aliases)
        for alias in aliases:
            if alias["type"] == "container" and not alias["name"].startswith(_COPIED):
                yield _told(alias, meanings)


def _mark(owner: Ownership, name: str, **more: str) -> dict[str, str]:
    """Our name for an image that was asked for as ``name``."""
    notes = {"deployment": owner.deployment, "address": owner.address, "image": name, **more}
    return {"name": f"{_STEM}{owner.token}", "description": json.dumps(notes, sort_keys=True)}


def _noted(alias: Item) -> Mapping[str, str]:
    """What our name for an image tells; nothing for anybody else's."""
    if not alias["name"].startswith(_STEM):
        return {}
    try:
        notes = json.loads(alias["description"])
    except ValueError:
        return {}
    return notes if isinstance(notes, dict) else {}


def _was_copied(alias: Item, image: Item) -> bool:
    """Whether the image came with this name of ours, and wasn't there before."""
    since = _noted(alias).get(_SINCE)
    return since is not None and _moment(image["uploaded_at"]) >= datetime.fromisoformat(since)


def _remove(driver: LibcloudDriver, fingerprint: str) -> None:
    """Remove an image; another call may be doing so."""
    try:
        with tolerating(NotFoundError):
            done(driver, "DELETE", an_image(fingerprint))
    except FailedOperationError:
        if if_there(lambda: ask(driver, "GET", an_image(fingerprint))) is not None:
            raise


def _names(image: Item) -> set[str]:
    return {one["name"] for one in image["aliases"]}


def _source(driver: LibcloudDriver, name: str) -> dict[str, Any] | None:
    """Where LXD gets the image from; None if it must be there."""
    if _URL.fullmatch(name):
        return {"type": "url", "url": name}
    found = _REMOTE.fullmatch(name)
    if found is None or name.startswith("sha256:"):
        return None
    digest = _DIGESTED.fullmatch(found[2])
    return {
        "type": "image",
        "mode": "pull",
        "server": f"https://{found[1]}",
        "protocol": driver.settings.get(PROTOCOL, "simplestreams"),
        **({"fingerprint": digest[1]} if digest else {"alias": found[2]}),
    }


def _target(driver: LibcloudDriver, name: str) -> str:
    """The fingerprint of an image that is there."""
    digest = _DIGESTED.fullmatch(name)
    try:
        if digest:
            return str(ask(driver, "GET", an_image(digest[1]))["fingerprint"])
        return str(ask(driver, "GET", an_alias(name))["target"])
    except Exception as error:
        if not isinstance(translate(error), NotFoundError):
            raise
        raise InvalidRequestError(
            f"there is no image {name}",
            remedy="name its server too, such as images.lxd.canonical.com/debian/12, or import it there first",
        ) from error


def _meanings(aliases: Sequence[Item]) -> dict[str, str]:
    """Which image each name stands for now."""
    return {alias["name"]: alias["target"] for alias in aliases}


def _told(alias: Item, meanings: Mapping[str, str]) -> Observation:
    """What there is to say of a name for an image: which it is, if what was asked for is another now."""
    notes, target = _noted(alias), alias["target"]
    name = notes.get("image", alias["name"])
    owner = Ownership(notes["deployment"], notes["address"], alias["name"].removeprefix(_STEM)) if notes else None
    moved = meanings.get(name, target) != target
    return Observation(
        external_id=alias["name"],
        inputs={"name": f"{name}@sha256:{target}" if moved else name},
        outputs={"digest": f"sha256:{target}"},
        ownership=owner,
        name=name,
    )


def _moment(told: str) -> datetime:
    """A time of LXD's in whole seconds; it tells nanoseconds."""
    return datetime.fromisoformat(f"{told[:19]}+00:00")
