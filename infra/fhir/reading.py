"""Files to resources, one bundle or one line in memory at a time: .json, .ndjson, gzipped or not, folders."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from infra.fhir.references import Resolve, resolver

DOCUMENTS = (".json", ".json.gz")
LINES = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")
HOISTED = frozenset({"Condition", "Medication"})
"""Contained resources that are statements of their own; the others are parts of their holder."""
LONGEST_IDENTITY = 100


@dataclass(frozen=True)
class Found:
    """A resource as it lies in a file: its type, its identity, its bytes and what its references mean."""

    kind: str
    ref: str
    raw: bytes | msgspec.Raw
    resolve: Resolve
    place: str


@dataclass(frozen=True)
class Unreadable:
    """A file, a line or an entry that holds no resource that could be named."""

    place: str
    code: str
    detail: str = ""


class _Header(msgspec.Struct, frozen=True, rename="camel"):
    resource_type: str
    id: str | None = None
    contained: tuple[msgspec.Raw, ...] = ()


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    full_url: str | None = None
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Bundle(msgspec.Struct, frozen=True, rename="camel"):
    entry: tuple[_Entry, ...] = ()


_header = msgspec.json.Decoder(_Header).decode
_bundle = msgspec.json.Decoder(_Bundle).decode


def files(paths: Iterable[Path]) -> list[Path]:
    """The files to be read, folders searched, in a fixed order and each once."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = path.rglob("*") if path.is_dir() else [path]
        chosen = (p for p in inside if not path.is_dir() or p.name.endswith(DOCUMENTS + LINES))
        found |= dict.fromkeys(sorted(p for p in chosen if not p.is_dir()))
    return list(found)


def resources(file: Path) -> Iterator[Found | Unreadable]:
    """What a file holds; what is wrong in it is among the answers, and the rest goes on."""
    try:
        with _opened(file) as stream:
            if file.name.endswith(LINES):
                for number, line in enumerate(stream, 1):
                    if line.strip():
                        yield from _document(line, f"{file}:{number}")
            else:
                yield from _document(stream.read(), str(file))
    except (OSError, EOFError, zlib.error) as error:
        yield Unreadable(str(file), "import.file_unreadable", str(error))


def _opened(file: Path) -> IO[bytes]:
    return gzip.open(file) if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]  # both read bytes


def _document(raw: bytes, place: str) -> Iterator[Found | Unreadable]:
    try:
        header = _header(raw)
        if header.resource_type != "Bundle":
            yield from _resource(raw, header, {}, None, place)
            return
        entries = _bundle(raw).entry
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        yield Unreadable(place, "import.no_resource", str(error))
        return
    yield from _entries(entries, place)


def _entries(entries: tuple[_Entry, ...], place: str) -> Iterator[Found | Unreadable]:
    headers: list[tuple[_Entry, _Header]] = []
    for number, entry in enumerate(entries):
        try:
            headers.append((entry, _header(entry.resource)))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            yield Unreadable(f"{place}#{number}", "import.no_resource", str(error))
    urls = {e.full_url: f"{h.resource_type}/{h.id}" for e, h in headers if e.full_url and h.id}
    for entry, header in headers:
        yield from _resource(entry.resource, header, urls, entry.full_url, place)


def _resource(
    raw: bytes | msgspec.Raw,
    header: _Header,
    full_urls: Mapping[str, str],
    full_url: str | None,
    place: str,
) -> Iterator[Found | Unreadable]:
    ref = f"{header.resource_type}/{header.id}" if header.id else full_url
    if not ref or len(ref) > LONGEST_IDENTITY:
        yield Unreadable(place, "import.identity_missing", header.resource_type)
        return
    resolve = resolver(full_urls, ref)
    yield Found(header.resource_type, ref, raw, resolve, place)
    for contained in header.contained:
        yield from _contained(contained, ref, resolve, place)


def _contained(raw: msgspec.Raw, holder: str, resolve: Resolve, place: str) -> Iterator[Found | Unreadable]:
    try:
        header = _header(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        yield Unreadable(f"{place} {holder}", "import.no_resource", str(error))
        return
    ref = f"{holder}#{header.id}"
    if header.resource_type in HOISTED and header.id and len(ref) <= LONGEST_IDENTITY:
        yield Found(header.resource_type, ref, raw, resolve, place)
