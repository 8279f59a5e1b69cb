"""The OpenAPI document is right, tells every answer, and its reading room works offline."""

import re
from collections.abc import Iterator

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.api.house import House, Json


@pytest.fixture(scope="module")
def document(house: House) -> Json:
    answered = httpx.get(f"{house.url}/openapi.json")
    assert answered.headers["content-type"] == "application/json"
    found: Json = answered.json()
    return found


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_the_document_is_valid(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    assert not list(OpenAPIV31SpecValidator(document).iter_errors())


def test_every_operation_has_a_name_of_its_own_and_a_summary(document: Json) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("[a-z][A-Za-z]+", one) for one in ids)
    assert all(operation["summary"] for _, _, operation in operations(document))


OF_THE_HOUSE = ("/v1/accounts", "/v1/reports")


def test_every_operation_tells_every_answer(document: Json) -> None:
    for path, method, operation in operations(document):
        statuses = set(operation["responses"])
        expected = {"400", "500"} if path.startswith("/health") else {"400", "401", "403", "500", "503"}
        if method == "post":
            expected |= {"409", "412", "413", "415", "422"}
        if "{id}" in path:
            nobodys = path.endswith("/erasure") or path.startswith(OF_THE_HOUSE)
            expected |= {"404"} if nobodys else {"404", "410"}
        if "{id}" in path and method == "get":
            expected |= {"304"}
        assert expected <= statuses, path
        assert statuses & {"200", "201"}


def test_every_error_is_a_problem_and_headers_are_described(document: Json) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status >= "400" and not (path == "/health/ready" and status == "503"):
                assert list(answer["content"]) == ["application/problem+json"]
            if status in {"200", "201"} and ("{id}" in path or method == "post"):
                expected = {"Tarikh-Position"} if path == "/v1/batch" else {"ETag", "Tarikh-Position"}
                assert expected <= set(answer["headers"])
        assert (operation.get("security") == []) == path.startswith("/health")


def test_bodies_are_described_as_they_are_read(document: Json) -> None:
    schemas = document["components"]["schemas"]
    for _, method, operation in operations(document):
        if method == "post":
            (body,) = operation["requestBody"]["content"].values()
            assert schemas[body["schema"]["$ref"].rpartition("/")[2]]["additionalProperties"] is False
    assert set(schemas["Change"]["required"]) == {"from", "to"}
    assert schemas["RegisterPatient"]["properties"]["name"]["maxLength"] == 400


def test_every_reference_leads_somewhere(document: Json) -> None:
    def references(part: object) -> Iterator[str]:
        if isinstance(part, dict):
            yield from [part["$ref"]] if "$ref" in part else []
            for one in part.values():
                yield from references(one)
        elif isinstance(part, list):
            for one in part:
                yield from references(one)

    for reference in references(document):
        _, *names = reference.split("/")
        found = document
        for name in names:
            found = found[name]


def test_the_reading_room_asks_no_other_house(house: House) -> None:
    page = httpx.get(f"{house.url}/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "://" not in page.text
    files = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(files) == 2
    for file in files:
        assert httpx.get(house.url + file).status_code == 200
