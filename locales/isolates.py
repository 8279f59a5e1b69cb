"""Keeps text of one direction from reordering its neighbours: Unicode isolates, added at render only."""

import re
import unicodedata

LRI, FSI, PDI = "\u2066", "\u2068", "\u2069"

# Embeddings, overrides and isolates that came in with user text could break out of the isolate around it.
_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def isolate(text: str) -> str:
    """Names and user text: the text finds its own direction and leaves the sentence its own."""
    return f"{FSI}{_CONTROLS.sub('', text)}{PDI}"


def ltr(text: str) -> str:
    """Quantities, codes, ranges and doses: left to right inside, whatever stands around them."""
    return f"{LRI}{_CONTROLS.sub('', text)}{PDI}"


def has_rtl(text: str) -> bool:
    """Whether it holds a letter that is written right to left (digits do not count)."""
    return not text.isascii() and any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text)


def without_controls(text: str) -> str:
    return _CONTROLS.sub("", text)
