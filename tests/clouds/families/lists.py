"""The lists of servers of EC2 and OpenStack, and that of a Docker engine's containers: no more of those clouds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from tests.clouds.families.imitation import RECORDED, Answer, Imitation, RefusedError, Request
from tests.clouds.openstack.tape import PLACES, load

_SPACE: Final = "http://ec2.amazonaws.com/doc/2016-11-15/"


class Ec2List(Imitation):
    """DescribeInstances, in pages of ``page``: at most 1000."""

    content_type = "text/xml;charset=UTF-8"

    def __init__(self, page: int = 1000) -> None:
        super().__init__()
        self.page = page
        text = (RECORDED / "aws" / "describe_instances.xml").read_text().replace("stopped", "running")
        reservation = ElementTree.fromstring(text).findall(f"{{{_SPACE}}}reservationSet/")[1]
        for element in reservation.iter():
            element.tag = element.tag.rpartition("}")[2]
        self.servers: dict[str, dict[str, Any]] = {"i-8474834a": {"id": "i-8474834a"}}
        self._form = ElementTree.tostring(reservation, encoding="unicode")

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (("POST", "/", lambda request: (200, self.described(request.body))),)

    def read(self, raw: bytes, content_type: str) -> Any:
        assert content_type.startswith("application/x-www-form-urlencoded")
        return dict(parse_qsl(raw.decode()))

    def written(self, answer: Any) -> bytes:
        if isinstance(answer, str):
            return answer.encode()
        items = "".join(self._form.replace("i-8474834a", name) for name in answer["items"])
        token = f"<nextToken>{answer['after']}</nextToken>" if answer["after"] else ""
        return (
            f'<DescribeInstancesResponse xmlns="{_SPACE}"><requestId>fdcdcab1</requestId>'
            f"<reservationSet>{items}</reservationSet>{token}</DescribeInstancesResponse>"
        ).encode()

    def refusal(self, error: RefusedError) -> Any:
        code = {429: "RequestLimitExceeded", 500: "InternalError"}.get(error.status, "InvalidInstanceID.NotFound")
        told = f"<Code>{code}</Code><Message>{error.message}</Message>"
        return f"<Response><Errors><Error>{told}</Error></Errors></Response>"

    def described(self, fields: Mapping[str, str]) -> dict[str, Any]:
        assert fields["Action"] == "DescribeInstances"
        asked = [value for name, value in fields.items() if name.startswith("Filter.1.Value.")]
        if "Filter.1.Name" in fields:
            assert fields["Filter.1.Name"] == "instance-id"
            assert len(asked) <= 200
            found = [name for name in asked if name in self.servers]
        elif "InstanceId.1" in fields:
            if fields["InstanceId.1"] not in self.servers:
                raise RefusedError(400, "The instance ID does not exist")
            found = [fields["InstanceId.1"]]
        else:
            found = list(self.servers)
        start, size = int(fields.get("NextToken", 0)), min(self.page, int(fields.get("MaxResults", len(found))))
        return {"items": found[start : start + size], "after": start + size if start + size < len(found) else None}


class OpenStackLists(Imitation):
    """Nova's servers and neutron's ports, as a real OpenStack told them, in pages that are linked by markers."""

    def __init__(self, page: int = 1000) -> None:
        super().__init__()
        self.page = page
        exchanges = load("server")
        self._token = exchanges[0]
        told = [one.answer for one in exchanges if one.method == "GET" and isinstance(one.answer, dict)]
        server = next(one["servers"][0] for one in told if one.get("servers"))
        self._port = next(one["ports"][0] for one in told if one.get("ports"))
        self.servers: dict[str, dict[str, Any]] = {server["id"]: server}

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("POST", "/identity/v3/auth/tokens", lambda _: (201, self._token.answer)),
            ("GET", "/compute/v2.1/servers/detail", lambda request: (200, self.page_of(request, "servers"))),
            ("GET", "/compute/v2.1/servers/([^/]+)", lambda _, name: (200, {"server": self.server(name)})),
            ("GET", "/network/v2.0/ports", lambda request: (200, self.page_of(request, "ports"))),
            ("GET", "/network/v2.0/floatingips", lambda _: (200, {"floatingips": []})),
            ("GET", "/network/v2.0/security-groups", lambda _: (200, {"security_groups": []})),
        )

    def headers(self, request: Request) -> Mapping[str, str]:
        return {"X-Subject-Token": "recorded-token"} if request.method == "POST" else {}

    def written(self, answer: Any) -> bytes:
        text = json.dumps(answer)
        for service, base in PLACES.items():
            text = text.replace(base, f"{self.endpoint}/{service}")
        return text.encode()

    def refusal(self, error: RefusedError) -> Any:
        names = {404: "itemNotFound", 429: "overLimit", 500: "computeFault"}
        return {names[error.status]: {"code": error.status, "message": error.message}}

    def server(self, name: str) -> dict[str, Any]:
        if name not in self.servers:
            raise RefusedError(404, "Instance could not be found.")
        return self.servers[name]

    def page_of(self, request: Request, many: str) -> dict[str, Any]:
        asked = {key: value for key, value in request.query.items() if key not in ("limit", "marker", "project_id")}
        names = [name for name in self.servers if asked.get("device_id", name) == name]
        start = names.index(request.query["marker"].removeprefix("port-")) + 1 if "marker" in request.query else 0
        size = min(self.page, int(request.query["limit"]))
        told = names[start : start + size]
        rows = [self.servers[one] for one in told]
        if many == "ports":
            rows = [{**self._port, "id": f"port-{one}", "device_id": one} for one in told]
        links = (
            [{"rel": "next", "href": f"{self.endpoint}{request.path}?limit={size}&marker={told[-1]}"}] if told else []
        )
        return {many: rows, **({f"{many}_links": links} if start + size < len(names) else {})}


class DockerList(Imitation):
    """An engine that lists containers, all in one answer."""

    def __init__(self) -> None:
        super().__init__()
        (one, *_) = json.loads((RECORDED / "docker" / "containers.json").read_text())
        self.containers: dict[str, dict[str, Any]] = {one["Id"]: {**one, "id": one["Id"]}}

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", "/version", lambda _: (200, {"ApiVersion": "1.47", "MinAPIVersion": "1.24"})),
            ("GET", "/v1.47/containers/json", lambda request: (200, self.listed(request))),
            ("GET", "/v1.47/containers/([^/]+)/json", lambda _, name: (200, self.inspected(name))),
        )

    def refusal(self, error: RefusedError) -> Any:
        return {"message": error.message}

    def listed(self, request: Request) -> list[dict[str, Any]]:
        wanted = json.loads(request.query.get("filters", "{}")).get("id")
        found = [self.containers[one] for one in wanted] if wanted else list(self.containers.values())
        return [{**one, "Id": one["id"], "State": "paused"} for one in found]

    def inspected(self, name: str) -> dict[str, Any]:
        if name not in self.containers:
            raise RefusedError(404, f"No such container: {name}")
        return {"Id": name, "State": {"Error": ""}}
