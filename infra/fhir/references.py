"""What a resource is called, whichever file it lies in: `Condition/17`; inside another `CarePlan/4#p1`."""

from collections.abc import Callable, Mapping

Resolve = Callable[[str | None], str | None]
"""From a reference as it is written to the identity of what it means."""

RELATIVE_PARTS = 2


def resolver(full_urls: Mapping[str, str], holder: str) -> Resolve:
    """References of one resource: `full_urls` are the entries of its bundle, `holder` is its own identity."""

    def resolve(written: str | None) -> str | None:
        if not written:
            return None
        if written.startswith("#"):
            return holder + written if len(written) > 1 else holder
        return full_urls.get(written) or full_urls.get(_without_history(written)) or plain(written)

    return resolve


def plain(written: str) -> str:
    """A reference without server and history: `http://x/fhir/Patient/1/_history/2` is `Patient/1`.

    One that asks for an identifier (`Practitioner?identifier=…`) says who is meant as it stands.
    """
    if written.startswith("urn:") or "?" in written:
        return written
    return "/".join(_without_history(written).rsplit("/")[-RELATIVE_PARTS:])


def _without_history(written: str) -> str:
    return written.partition("/_history/")[0]
