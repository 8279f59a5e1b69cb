"""What an import keeps on the disk while it reads: nothing of it stays, however the process ends."""

from collections.abc import Iterator
from pathlib import Path

from infra.fhir.spool import Spool
from infra.fhir.stated import StatedPatient

PEOPLE = 8_000


def unnamed() -> Iterator[str]:
    """Open files of this process that have no name in any folder."""
    for link in Path("/proc/self/fd").iterdir():
        if link.is_symlink() and str(link.readlink()).endswith("(deleted)"):
            yield str(link.readlink())


def test_the_file_has_no_name() -> None:
    before = set(unnamed())
    with Spool() as spool:
        for number in range(PEOPLE):
            ref = f"Patient/{number}"
            said = StatedPatient(patient=ref, ref=ref, patient_no=f"{number}", name="زهرا" * 90)
            spool.keep(said, f"line {number}")
        (file,) = set(unnamed()) - before
        assert not Path(file.removesuffix(" (deleted)")).exists()
        assert spool.count_patients() == PEOPLE
        assert spool.of("Patient/7")[0].place == "line 7"
    assert set(unnamed()) == before
