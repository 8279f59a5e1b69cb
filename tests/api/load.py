"""Writers and readers of a house at work, who count what nobody should ever see."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx

from tests.api import stories
from tests.api.house import Caller, House

MOST_SYMPTOMS = 150
"""Of a patient: a page of the timeline shows all of them."""
PATIENTS = 4


class Load:
    """`seen` counts answers by what is wrong with them: `failed`, `empty`, `partial`, or nothing: `full`."""

    def __init__(self, house: House, doctor: Caller) -> None:
        self.house = house
        self.doctor = doctor
        self.seen: Counter[str] = Counter()
        self.written = 0
        self._most: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._patients = [stories.treated(house, doctor)[1:3] for _ in range(PATIENTS)]
        for patient_id, _ in self._patients:
            shown = doctor.read(f"/patients/{patient_id}/timeline")["items"]
            self._most[patient_id] = len(shown)

    @property
    def wrong(self) -> dict[str, int]:
        """What should be all zero."""
        return {name: self.seen[name] for name in ("failed", "empty", "partial")}

    def write(self, ended: threading.Event) -> None:
        """Tell of symptoms until the end."""
        with httpx.Client(base_url=self.house.url, headers=self.doctor.headers, timeout=20) as http:
            for number in range(MOST_SYMPTOMS * PATIENTS):
                if ended.is_set():
                    return
                _, diagnosis_id = self._patients[number % PATIENTS]
                body = {"symptom_code": "headache", "score": number % 10}
                answered = http.post(f"/v1/diagnoses/{diagnosis_id}/symptoms", json=body)
                self._count("written" if answered.is_success else "failed")
                ended.wait(0.01)

    def read(self, ended: threading.Event) -> None:
        """Ask for timelines and figures until the end; a timeline never has fewer items than it had."""
        with httpx.Client(base_url=self.house.url, headers=self.doctor.headers, timeout=20) as http:
            while not ended.is_set():
                for patient_id, _ in self._patients:
                    most = self._most[patient_id]
                    answered = http.get(f"/v1/patients/{patient_id}/timeline?limit=200")
                    self._judge(answered, "items", most, patient_id)
                self._judge(http.get("/v1/patients?limit=200"), "items", PATIENTS, None)

    def _judge(self, answered: httpx.Response, name: str, least: int, patient_id: str | None) -> None:
        if answered.status_code != 200:
            self._count("failed")
            return
        told: dict[str, Any] = answered.json()
        count = len(told[name])
        self._count("empty" if not count else "partial" if count < least else "full")
        if patient_id is not None:
            with self._lock:
                self._most[patient_id] = max(self._most[patient_id], count)

    def _count(self, what: str) -> None:
        with self._lock:
            if what == "written":
                self.written += 1
            else:
                self.seen[what] += 1


@contextlib.contextmanager
def under_load(house: House, doctor: Caller) -> Iterator[Load]:
    """A writer and two readers at work for as long as the block lasts."""
    load, ended = Load(house, doctor), threading.Event()
    threads = [threading.Thread(target=work, args=(ended,)) for work in (load.write, load.read, load.read)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        ended.set()
        for thread in threads:
            thread.join()
