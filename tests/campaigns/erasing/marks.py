"""Marker words, and every way in which bytes may spell them."""

import base64
from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random
from urllib.parse import quote

import msgspec

LATIN = "abcdefghijklmnopqrstuvwxyz"
PERSIAN = "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
STEM_LETTERS, OWN_LETTERS = 9, 7


class Mark(msgspec.Struct, frozen=True):
    """The words that one person is made of."""

    latin: str
    persian: str

    @property
    def text(self) -> str:
        return f"{self.latin} {self.persian}"

    @property
    def code(self) -> str:
        return f"{self.latin}-{self.persian}"

    @property
    def words(self) -> tuple[str, str]:
        return self.latin, self.persian


class Marks:
    """The marks of a campaign: they begin alike, so that one look finds them all, and end differently."""

    def __init__(self, chance: Random, people: int) -> None:
        self.stems = _word(chance, LATIN, STEM_LETTERS), _word(chance, PERSIAN, STEM_LETTERS)
        self.all = [
            Mark(
                self.stems[0] + _word(chance, LATIN, OWN_LETTERS),
                self.stems[1] + _word(chance, PERSIAN, OWN_LETTERS),
            )
            for _ in range(people)
        ]
        self._whole = {
            spelling: [(found, mark) for mark in self.all for found in spelled(mark.words[n])[spelling]]
            for n in (0, 1)
            for spelling in spelled(self.stems[n])
        }

    def found_in(self, data: bytes) -> Counter[tuple[Mark, str]]:
        """How often each mark stands in these bytes, by spelling."""
        found: Counter[tuple[Mark, str]] = Counter()
        for stem in self.stems:
            for spelling, beginnings in spelled(stem).items():
                for beginning in beginnings:
                    for place in _places(data, beginning):
                        found.update(
                            (mark, spelling)
                            for whole, mark in self._of(spelling)
                            if data.startswith(whole, place)
                        )
        return found

    def _of(self, spelling: str) -> Iterable[tuple[bytes, Mark]]:
        return self._whole[spelling]


def _word(chance: Random, letters: str, length: int) -> str:
    return "".join(chance.choices(letters, k=length))


def spelled(word: str) -> dict[str, list[bytes]]:
    """By the name of the spelling; some have more than one form."""
    plain = word.encode()
    escaped = word if word.isascii() else "".join(f"\\u{ord(letter):04x}" for letter in word)
    return {
        "utf-8": [plain],
        "utf-16": [word.encode("utf-16-le"), word.encode("utf-16-be")],
        "json": [] if word.isascii() else [escaped.encode(), escaped.upper().replace("\\U", "\\u").encode()],
        "percent": [] if word.isascii() else [quote(word).encode(), quote(word).lower().encode()],
        "hex": [plain.hex().encode(), plain.hex().upper().encode()],
        "base64": [_base64(plain, offset) for offset in range(3)],
        "base64url": [
            form.translate(bytes.maketrans(b"+/", b"-_"))
            for offset in range(3)
            if {*b"+/"} & {*(form := _base64(plain, offset))}
        ],
    }


def _base64(data: bytes, offset: int) -> bytes:
    """The letters that are the same wherever the data stands behind so many other bytes (modulo three)."""
    whole = base64.b64encode(bytes(offset) + data)
    return whole[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]


def _places(data: bytes, part: bytes) -> Iterator[int]:
    place = data.find(part)
    while place >= 0:
        yield place
        place = data.find(part, place + 1)
