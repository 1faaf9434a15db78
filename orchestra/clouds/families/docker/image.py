"""Images of containers. Their external id is a tag of our own, which stays on the image that it was put on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from orchestra.clouds.families.docker.engine import Engine, filters
from orchestra.clouds.families.docker.naming import Mark, familiar, mark_in, registry_of, repository_and_tag
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, InUseError, InvalidRequestError, NotFoundError

_Item: TypeAlias = "Mapping[str, Any]"

_NAMELESS: Final = "<none>:<none>"
"""What older engines tell for an image whose name has moved on to another."""


class ContainerImageCalls(Calls[Engine]):
    """An image that is there or is pulled. Several resources may share one; the last one that pulled it removes it."""

    kind = "containers.ContainerImage"
    found_by = FoundBy.TAG
    found_key = "a tag of our own on the image, which ends with the token"
    page = None

    def create(self, driver: Engine, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: pulling again changes nothing, and the tag goes on last."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        name = inputs.text("name")
        there = _inspected(driver, name)
        if there is None:
            _pull(driver, name)
        mark = Mark(owner, name, pulled=there is None)
        image = there or driver.ask("GET", "images", name, "json")
        driver.ask("POST", "images", image["Id"], "tag", query={"repo": mark.repository, "tag": owner.token})
        return Observation(
            external_id=str(mark), inputs={"name": name}, outputs={"digest": image["Id"]}, ownership=owner, name=name
        )

    def read(self, driver: Engine, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: one list."""
        wanted = set(ids)
        return (one for one in self.everything(driver) if one.external_id in wanted)

    def look_up(self, driver: Engine, external_id: str) -> Observation:
        """See `Calls.look_up`: an image that is taken over has no tag of ours, but a name of its own."""
        image = driver.ask("GET", "images", external_id, "json")
        return _told(external_id, image["Id"], _meanings(_listed(driver)))

    def search(self, driver: Engine, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the tag, whose end is the token."""
        return next((one for one in self.everything(driver) if one.ownership == owner), None)

    def update(self, driver: Engine, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of an image can be changed in place."""
        return self.look_up(driver, external_id)

    def delete(self, driver: Engine, external_id: str) -> None:
        """See `Calls.delete`: our tag goes; the image too, if it was pulled for us and nothing else uses it."""
        mark = mark_in(external_id)
        image = driver.ask("GET", "images", external_id, "json")
        if mark is not None and mark.pulled and not _is_used(driver, image, external_id):
            for name in _names_to_remove(image, mark):
                with contextlib.suppress(NotFoundError):
                    _remove(driver, name)
        _remove(driver, external_id)

    def everything(self, driver: Engine) -> Iterator[Observation]:
        """See `Calls.everything`: each name of an image is one of its own."""
        meanings = _meanings(_listed(driver))
        return (_told(name, image, meanings) for name, image in meanings.items())


def _listed(driver: Engine) -> list[_Item]:
    items: list[_Item] = driver.ask("GET", "images", "json")
    return items


def _meanings(items: Sequence[_Item]) -> dict[str, str]:
    """Which image each name stands for now."""
    return {tag: item["Id"] for item in items for tag in item.get("RepoTags") or () if tag != _NAMELESS}


def _told(external_id: str, image: str, meanings: Mapping[str, str]) -> Observation:
    """What there is to say of the ``image`` with this name: which one it is, if what was asked for is another now."""
    mark = mark_in(external_id)
    name = mark.name if mark else external_id
    moved = meanings.get(familiar(name), image) != image
    return Observation(
        external_id=external_id,
        inputs={"name": f"{name}@{image}" if moved else name},
        outputs={"digest": image},
        ownership=mark.owner if mark else None,
        name=name,
    )


def _inspected(driver: Engine, name: str) -> Any:
    """The image of this name, None if there is none."""
    try:
        return driver.ask("GET", "images", name, "json")
    except Exception as error:
        if isinstance(translate(error), NotFoundError):
            return None
        raise


def _pull(driver: Engine, name: str) -> None:
    """Pull an image. What goes wrong amid it the engine tells in an answer that began as a success."""
    repository, tag = repository_and_tag(name)
    login = driver.logins.get(registry_of(name))
    told = driver.ask("POST", "images", "create", query={"fromImage": repository, "tag": tag}, login=login)
    for line in told if isinstance(told, list) else [told]:
        if isinstance(line, Mapping) and line.get("error"):
            raise InvalidRequestError(
                f"the image {name} can't be pulled: {line['error']}", remedy="check its name and its registry"
            )


def _is_used(driver: Engine, image: _Item, external_id: str) -> bool:
    """Whether another resource has a mark on it, or a container is made of it."""
    marks = [tag for tag in image.get("RepoTags") or () if tag != external_id and mark_in(tag)]
    return bool(marks) or bool(
        driver.ask("GET", "containers", "json", query={"all": "1", **filters(ancestor=image["Id"])})
    )


def _names_to_remove(image: _Item, mark: Mark) -> list[str]:
    """The name that it was pulled under, if it still means this image."""
    known = [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]
    return [familiar(mark.name)] if familiar(mark.name) in known else []


def _remove(driver: Engine, name: str) -> None:
    """Take a name off an image; the last one takes the image along."""
    try:
        driver.ask("DELETE", "images", name)
    except Exception as error:
        told = translate(error)
        if isinstance(told, ConflictError):
            raise InUseError(
                told.message, code=told.code, remedy="remove the containers that are made of it"
            ) from error
        raise
