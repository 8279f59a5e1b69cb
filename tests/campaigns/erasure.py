"""`python -m tests.campaigns.erasure --seed N --patients K`: what is erased is nowhere any more.

People whose every word is a marker are told over HTTP and imported, read, exported and dumped. Half of them
are erased, some over HTTP, some at the command line, two of them merged into one. Then the markers are
searched for, in every spelling, in every file, row and cache; those of the others must be found, or else the
search is blind.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import httpx

from tests.campaigns.erasing.house import House
from tests.campaigns.erasing.marks import Mark, Marks
from tests.campaigns.erasing.people import Person, Telling
from tests.campaigns.erasing.searching import PLACES, Looked, holding, in_rows, looked
from tests.campaigns.telling import tell, verdict

NAME = "erasure"
PATIENTS = 24
FEWEST = 6
BASIS = "GDPR.17"


class Campaign:
    """One run in one folder."""

    def __init__(self, house: House, seed: int, patients: int) -> None:
        self.house = house
        self.finds: list[dict[str, object]] = []
        self._chance = Random(seed)  # noqa: S311  repeatable, not secret
        self._marks = Marks(self._chance, patients)

    def run(self) -> None:
        for process in ("serve", "project"):
            self.house.start(process)
        self.house.until("a house that is ready", self._ready)
        people = self._told()
        self._positive(people)
        chance, erased = self._chance, people[: len(people) // 2]
        by_http, by_command = erased[: len(erased) // 2], erased[len(erased) // 2 :]
        self._merge(by_command[0], by_command[1])
        keys = self.house.wrapped_keys()
        self._must("pages" in holding(self.house, keys[erased[0].patient_id]), "the search is blind for keys")
        chance.shuffle(by_http)
        for person in by_http:
            self._erase_by_http(person)
        self._pages_remember(by_http)
        self.house.start("work")
        for person in by_command[1:]:
            self._erase_by_command(person)
        self.house.until("certificates", lambda: all(self._certified(person) for person in erased))
        self.house.dump("after.sql")
        self._must(
            self.house.run("log", "export", str(self.house.exports / "after.export")).returncode == 0,
            "export",
        )
        self._negative(erased, people[len(erased) :])
        for person in erased:
            for place in holding(self.house, keys[person.patient_id]):
                self._find("a destroyed key is found", place=place)
        self._sound()

    def _told(self) -> list[Person]:
        """Those who are erased come from both sources, as do those who stay."""
        telling = Telling(self.house, self._chance)
        marks = self._marks.all
        half = len(marks) // 2
        people = [telling.person(mark, number) for number, mark in enumerate(marks[:half])]
        people += telling.imported(marks[half:], half)
        self._chance.shuffle(people)
        for person in people:
            telling.read(person)
        self.house.sampled()
        self._must(
            self.house.run("log", "export", str(self.house.exports / "before.export")).returncode == 0,
            "export",
        )
        self.house.dump("log-and-app.sql", "--schema=log", "--schema=app")
        tell(NAME, "told", people=len(people), commands=telling.accepted, imported=len(people) - half)
        return people

    def _positive(self, people: list[Person]) -> None:
        """Before it everybody is found in pages, rows and a whole dump, and nobody in logs and exports."""
        whole = self.house.dump("whole.sql")
        dumped = {mark for mark, _ in self._marks.found_in(whole.read_bytes())}
        whole.unlink()
        before = looked(self.house, self._marks)
        everybody = {person.mark for person in people}
        for where, seen in (
            ("a whole dump", dumped),
            *((p, before.marks(p)) for p in ("pages", "rows", "wal")),
        ):
            self._must(everybody <= seen, f"the search is blind in {where}", missed=len(everybody - seen))
        self._nobody_in(before, "logs", "exports", "cache", "temporary", "rest")
        self._report("before", before)

    def _pages_remember(self, people: list[Person]) -> None:
        """Purged, but not written anew: the pages must tell of it, or looking at them proves nothing."""
        whose = _marks(people)
        self.house.until("the purge", lambda: not in_rows(self.house, self._marks) & whose)
        seen = looked(self.house, self._marks).marks("pages") & whose
        self._must(bool(seen), "the search is blind in pages of what was deleted")
        tell(NAME, "purged", people=len(people), still_in_pages=len(seen))

    def _negative(self, erased: list[Person], kept: list[Person]) -> None:
        """After it nobody of the erased is found, and everybody else is."""
        after = looked(self.house, self._marks)
        for place in PLACES:
            for mark, spelling in after.found[place]:
                if mark in _marks(erased):
                    self._find("an erased person is found", place=place, spelling=spelling)
        seen = after.marks("pages") & after.marks("rows")
        self._must(_marks(kept) <= seen, "somebody who was not erased is gone")
        self._nobody_in(after, "logs", "cache", "temporary", "rest")
        self._report("after", after)
        tell(NAME, "erased", people=len(erased), kept=len(kept))

    def _sound(self) -> None:
        """The log still proves itself, and the read models are what it says."""
        for command in (
            ("log", "verify"),
            ("log", "verify", "--export", str(self.house.exports / "before.export")),
            ("log", "verify", "--export", str(self.house.exports / "after.export")),
            ("projections", "verify"),
        ):
            self._must(self.house.run(*command).returncode == 0, " ".join(command[:2]))

    def _nobody_in(self, looked_at: Looked, *places: str) -> None:
        for place in places:
            for spelling in {spelling for _, spelling in looked_at.found[place]}:
                self._find("a marker where none may ever be", place=place, spelling=spelling)

    def _merge(self, retired: Person, survivor: Person) -> None:
        admin, other = self.house.client("admin"), self.house.client("admin")
        ids = {"retired_id": str(retired.patient_id), "survivor_id": str(survivor.patient_id)}
        proposed = admin.post("/v1/merges", json=ids)
        approved = other.post(f"/v1/merges/{retired.patient_id}/approve", json={})
        self._must(proposed.is_success and approved.is_success, "merge", status=approved.status_code)

    def _erase_by_http(self, person: Person) -> None:
        answered = self.house.client("admin").post(
            f"/v1/patients/{person.patient_id}/erase", json={"legal_basis": BASIS}
        )
        self._must(answered.is_success, "erasure over HTTP", status=answered.status_code)

    def _erase_by_command(self, person: Person) -> None:
        ended = self.house.run("patient", "erase", str(person.patient_id), "--basis", BASIS, "--json")
        self._must(ended.returncode == 0, "erasure at the command line", code=ended.returncode)

    def _certified(self, person: Person) -> bool:
        answered = self.house.client("auditor").get(f"/v1/patients/{person.patient_id}/erasure")
        return answered.status_code == httpx.codes.OK

    def _ready(self) -> bool:
        answered = httpx.get(f"{self.house.url}/health/ready", timeout=20)
        return answered.status_code == httpx.codes.OK

    def _export(self, name: str) -> None:
        ended = self.house.run("log", "export", str(self.house.exports / name))
        self._must(ended.returncode == 0, "export", code=ended.returncode)

    def _report(self, when: str, one: Looked) -> None:
        counts = {place: sum(one.found[place].values()) for place in PLACES}
        tell(NAME, when, files=one.files, megabytes=one.bytes // 1_000_000, markers=counts)

    def _must(self, held: bool, what: str, **fields: object) -> None:  # noqa: FBT001  what must hold
        if not held:
            self._find(what, **fields)

    def _find(self, what: str, **fields: object) -> None:
        self.finds.append({"what": what, **fields})
        tell(NAME, "find", what=what, **fields)


def _marks(people: Sequence[Person]) -> set[Mark]:
    return {person.mark for person in people}


def run(seed: int, patients: int, folder: Path) -> int:
    started = time.monotonic()
    with House(folder) as house:
        campaign = Campaign(house, seed, patients)
        campaign.run()
    seconds = round(time.monotonic() - started)
    return verdict(NAME, len(campaign.finds), seed=seed, patients=patients, seconds=seconds)


def main(argv: Sequence[str] | None = None) -> int:
    """0 where nothing was found."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.campaigns.{NAME}", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patients", type=_patients, default=PATIENTS)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave everything there")
    chosen = parser.parse_args(argv)
    folder = chosen.keep or Path(mkdtemp(prefix="tarikh-erasure-"))
    try:
        return run(chosen.seed, chosen.patients, folder)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _patients(text: str) -> int:
    if int(text) < FEWEST:
        raise argparse.ArgumentTypeError(f"at least {FEWEST}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
