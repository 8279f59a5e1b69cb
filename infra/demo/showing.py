"""What a newcomer is shown: where it runs, who may sign in, and five commands to copy."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from domain.event import Actor
from infra.demo.loading import Loaded
from infra.demo.people import ADMIN, AUDITOR, TEHRAN
from infra.settings import Settings
from infra.tokens import Tokens

DAYS_SIGNED_IN = 30
LINES_OF_TIMELINE = 8
SHOWN = "nasrin"
PATIENTS = {"fa": "nasrin", "en": "margaret", "ar": "salma"}
EVERY_ADDRESS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  these are compared with, and not bound


@dataclass(frozen=True)
class SignIn:
    """Somebody's way in; `file` holds the header for `curl -H @file`."""

    name: str
    role: str
    whose: str
    called: str
    token: str
    file: Path


@dataclass(frozen=True)
class Shown:
    """A command to copy, and what it shows."""

    title: str
    line: str


def reached_at(settings: Settings) -> str:
    """The host under which this machine reaches the API."""
    return "127.0.0.1" if settings.host in EVERY_ADDRESS else settings.host


def base_url(settings: Settings) -> str:
    """The same as the beginning of every address."""
    host = reached_at(settings)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def sign_ins(settings: Settings, loaded: Loaded) -> dict[str, SignIn]:
    """One of each role, a patient in each language; their headers are written for curl."""
    stories = loaded.script.stories
    who: dict[str, tuple[Actor, str]] = {
        language: (stories[name].patient, stories[name].patient_name) for language, name in PATIENTS.items()
    }
    who |= {"doctor": (TEHRAN, ""), "auditor": (AUDITOR, ""), "admin": (ADMIN, "")}
    tokens, folder = Tokens(settings.token_key), settings.data_dir / "demo"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = {}
    for name, (actor, called) in who.items():
        token = tokens.issue(actor, timedelta(days=DAYS_SIGNED_IN))
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(f"Authorization: Bearer {token}\n", encoding="ascii")
        whose = str(actor.patient_id or actor.account_id)
        found[name] = SignIn(name, actor.role, whose, called, token, file)
    return found


def commands(settings: Settings, loaded: Loaded, who: Mapping[str, SignIn]) -> list[Shown]:
    """Five lines that show the point."""
    story, day = loaded.script.stories[SHOWN], loaded.script.last_year.astimezone(settings.time_zone)
    then, patient, line = day.date().isoformat(), story.patient_id, story.named["line"]
    version = story.version(line)
    timeline = f"/v1/patients/{patient}/timeline?limit={LINES_OF_TIMELINE}&lang=fa"
    change = {"op": "remove", "item_id": story.named["item"], "reason_code": "SAFETY.ADVERSE_EVENT"}
    body = msgspec.json.encode({"base_version": version, "changes": [change]}).decode()
    base = base_url(settings)

    def curl(name: str, path: str, *more: str) -> str:
        return shlex.join(["curl", "-s", "-H", f"@{who[name].file}", *more, base + path])

    return [
        Shown("a timeline in Persian", curl("fa", timeline)),
        Shown("the same, as known last year", curl("fa", f"{timeline}&known_at={then}")),
        Shown(
            "two versions compared, with the path of reasons",
            curl("doctor", f"/v1/recommendations/{line}/compare?from=2&to={version}&lang=fa"),
        ),
        Shown(
            "a command that a rule rejects, and why",
            curl(
                "doctor",
                f"/v1/recommendations/{line}/revise?lang=fa",
                *("-H", "Content-Type: application/json", "-d", body),
            ),
        ),
        Shown(
            "what an auditor sees was known then, folded anew from the log",
            curl("auditor", f"/v1/audit/replay?patient={patient}&known_at={then}&lang=fa"),
        ),
    ]


def show(settings: Settings, loaded: Loaded, console: Console) -> None:
    """Print it all. Names stand last on their lines, so that right-to-left words move nothing else."""
    who = sign_ins(settings, loaded)
    base = base_url(settings)
    _line(console, Text.assemble("Tarikh runs on ", (base, "bold green"), f"  ({base}/docs explains it)"))
    _heading(console, f"Sign-ins, for {DAYS_SIGNED_IN} days")
    for one in who.values():
        _line(
            console, Text.assemble((f"  {one.name:<9}", "bold"), f"{one.role:<14}{one.whose}  {one.called}")
        )
    _heading(console, "Their tokens")
    for one in who.values():
        _line(console, Text.assemble((f"  {one.name}=", "bold"), (one.token, "dim")))
    for number, shown in enumerate(commands(settings, loaded, who), 1):
        _heading(console, f"{number}. {shown.title}")
        _line(console, Text(shown.line, "cyan"))
    _heading(
        console, "Add `| python3 -m json.tool --no-ensure-ascii` to read an answer. Ctrl-C stops everything."
    )


def _heading(console: Console, text: str) -> None:
    _line(console, Text(f"\n{text}", "bold"))


def _line(console: Console, text: Text) -> None:
    """Never broken into several: what is copied must be one line."""
    console.print(text, soft_wrap=True, highlight=False)
