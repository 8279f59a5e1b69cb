"""Settings: read once from the environment, checked whole, frozen."""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from infra.secret import Secret, SecretUnusable, made_once, parse, read

PREFIX = "TARIKH_"
Choice = TypeVar("Choice", bound=str)

Environment = Literal["dev", "staging", "prod"]
LogFormat = Literal["console", "json"]
Locale = Literal["fa", "en", "ar"]
ENVIRONMENTS: tuple[Environment, ...] = ("dev", "staging", "prod")
LOG_FORMATS: tuple[LogFormat, ...] = ("console", "json")
LOCALES: tuple[Locale, ...] = ("fa", "en", "ar")

NAMES = frozenset(
    {
        "CACHE_URL",
        "DATABASE_URL",
        "DATA_DIR",
        "ENV",
        "HOST",
        "LOCALE",
        "LOG_FORMAT",
        "MASTER_KEY",
        "MASTER_KEY_FILE",
        "NOTARY_KEY_FILE",
        "OLD_MASTER_KEY",
        "OLD_MASTER_KEY_FILE",
        "PORT",
        "TEST_DATA",
        "TIME_ZONE",
        "TOKEN_KEY",
        "TOKEN_KEY_FILE",
        "VAULT_URL",
        "WORKERS",
    }
)
DATABASE_SCHEMES = ("postgresql", "postgres")
CACHE_SCHEMES = ("redis", "rediss", "unix")
NO_CACHE = "none"
_SHORT_NUMBER = re.compile(r"[0-9]{1,9}")
_PASSWORD_IN_AUTHORITY = re.compile(r"(://[^/?#:@]*:).*@")
_PASSWORD_IN_QUERY = re.compile(r"([?&](?:ssl)?password=)[^&#]*", re.IGNORECASE)
HIGHEST_PORT = 65_535
MOST_WORKERS = 256


class SettingsError(Exception):
    """The environment cannot be used; `problems` holds one line for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator decided. A URL of None means the embedded server of `data_dir`."""

    master_key: Secret
    token_key: Secret
    notary_key: Secret
    data_dir: Path
    database_url: str | None = None
    vault_url: str | None = None
    cache_url: str | None = None
    env: Environment = "dev"
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    locale: Locale = "fa"
    time_zone: ZoneInfo = msgspec.field(default_factory=lambda: ZoneInfo("Asia/Tehran"))
    log_format: LogFormat = "console"
    test_data: Path | None = None
    old_master_key: Secret | None = None
    """Opens what it wrapped before the master key was replaced, until `tarikh vault rotate` is through."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read every `TARIKH_` name; raise `SettingsError` with all that is wrong at once."""
        reading = _Reading(environ)
        env = reading.choice("ENV", ENVIRONMENTS, "dev")
        data_dir = reading.path("DATA_DIR") or Path(".tarikh").absolute()
        settings = cls(
            env=env,
            data_dir=data_dir,
            database_url=reading.url("DATABASE_URL", DATABASE_SCHEMES),
            vault_url=reading.url("VAULT_URL", DATABASE_SCHEMES),
            cache_url=reading.url("CACHE_URL", CACHE_SCHEMES, other=NO_CACHE),
            host=reading.text("HOST") or "127.0.0.1",
            port=reading.number("PORT", 8000, HIGHEST_PORT),
            workers=reading.number("WORKERS", 1, MOST_WORKERS),
            locale=reading.choice("LOCALE", LOCALES, "fa"),
            time_zone=reading.time_zone("TIME_ZONE", "Asia/Tehran"),
            log_format=reading.choice("LOG_FORMAT", LOG_FORMATS, "console" if env == "dev" else "json"),
            test_data=reading.path("TEST_DATA"),
            master_key=reading.secret("MASTER_KEY", env, data_dir / "secrets" / "master.key"),
            token_key=reading.secret("TOKEN_KEY", env, data_dir / "secrets" / "token.key"),
            notary_key=reading.secret("NOTARY_KEY", env, data_dir / "secrets" / "notary.key"),
            old_master_key=reading.given_secret("OLD_MASTER_KEY"),
        )
        if env == "prod":
            reading.require("DATABASE_URL", "embedded servers are for development")
            reading.require("CACHE_URL", f"embedded servers are for development; {NO_CACHE!r} means no cache")
        if reading.problems:
            raise SettingsError(reading.problems)
        return settings

    def __repr__(self) -> str:
        """Show every value but passwords; secrets hide themselves."""
        shown = (f"{name}={_shown(getattr(self, name))!r}" for name in self.__struct_fields__)
        return f"Settings({', '.join(shown)})"


class _Reading:
    """One pass over an environment that notes every problem instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.values = {
            name.removeprefix(PREFIX): value.strip()
            for name, value in environ.items()
            if name.startswith(PREFIX) and value.strip()
        }
        self.problems = list(_unknown(environ))

    def wrong(self, name: str, why: str) -> None:
        self.problems.append(f"{PREFIX}{name}: {why}")

    def text(self, name: str) -> str | None:
        return self.values.get(name)

    def require(self, name: str, why: str) -> None:
        if name not in self.values:
            self.wrong(name, f"required in prod ({why})")

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        return Path(value).expanduser().absolute() if value else None

    def choice(self, name: str, options: tuple[Choice, ...], default: Choice) -> Choice:
        value = self.values.get(name, default)
        for option in options:
            if option == value:
                return option
        self.wrong(name, f"must be one of {', '.join(options)}, not {value!r}")
        return default

    def number(self, name: str, default: int, highest: int) -> int:
        value = self.values.get(name, str(default))
        if not (_SHORT_NUMBER.fullmatch(value) and 1 <= int(value) <= highest):
            self.wrong(name, f"must be a number from 1 to {highest}, not {value!r}")
            return default
        return int(value)

    def url(self, name: str, schemes: tuple[str, ...], other: str | None = None) -> str | None:
        """Return the URL; it is never repeated in a problem, as it may hold a password."""
        value = self.text(name)
        if value is None or value == other:
            return value
        if not _is_url(value, schemes):
            forms = ", ".join(f"{scheme}://…" for scheme in schemes)
            self.wrong(name, f"must be a URL of the form {forms}" + (f", or {other!r}" if other else ""))
        return value

    def time_zone(self, name: str, default: str) -> ZoneInfo:
        value = self.values.get(name, default)
        try:
            return ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            self.wrong(name, f"no time zone is called {value!r}")
            return ZoneInfo("UTC")

    def secret(self, name: str, env: Environment, made_at: Path) -> Secret:
        """Take the key as given, from its file, or (never in prod) from the one made at `made_at`."""
        if self.text(name) or self.text(f"{name}_FILE"):
            return self.given_secret(name) or Secret(b"")
        try:
            if env != "prod":
                return made_once(made_at)
            wanted = name if name in NAMES else f"{name}_FILE"
            self.wrong(wanted, "required in prod (a generated key is for development)")
        except SecretUnusable as error:
            self.wrong(name, str(error))
        return Secret(b"")

    def given_secret(self, name: str) -> Secret | None:
        """Take the key as given or from its file; None where there is none, or none that can be read."""
        direct, file = self.text(name), self.path(f"{name}_FILE")
        try:
            if direct and file:
                self.wrong(name, f"give it or {PREFIX}{name}_FILE, not both")
            elif direct:
                return parse(direct)
            elif file:
                return read(file)
        except SecretUnusable as error:
            self.wrong(f"{name}_FILE" if file else name, str(error))
        return None


def _unknown(environ: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(environ):
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in NAMES:
            near = difflib.get_close_matches(name.removeprefix(PREFIX), NAMES, n=1)
            yield f"{name}: no such setting" + (f" (did you mean {PREFIX}{near[0]}?)" if near else "")


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and value.startswith(f"{parts.scheme}://") and (parts.port or 1) > 0
    except ValueError:
        return False


def _shown(value: object) -> object:
    return redacted(value) if isinstance(value, str) else value


def redacted(url: str) -> str:
    """Return the URL with `…` in place of its password, wherever a URL may carry one."""
    hidden = _PASSWORD_IN_AUTHORITY.sub(r"\1…@", url)
    return _PASSWORD_IN_QUERY.sub(r"\1…", hidden)
