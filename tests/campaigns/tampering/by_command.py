"""The same tampering as people meet it: done for good, and told by `tarikh log verify` as a process."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from infra.notary.findings import Problem
from tests.campaigns.tampering import of_database, of_export
from tests.campaigns.tampering.expecting import Expected
from tests.campaigns.tampering.signed import UNFASTENED, Signed
from tests.infra.notary.logs import SEED

TABLES = ("event", "head", "tree", "tree_head")
KEEP = "CREATE SCHEMA kept;" + "".join(f"CREATE TABLE kept.{table} AS TABLE log.{table};" for table in TABLES)
RESTORE = "".join(f"TRUNCATE log.{t}; INSERT INTO log.{t} TABLE kept.{t};" for t in TABLES)


class Desk:
    """Whoever types the command: in the house, or an auditor who has only files and the key."""

    def __init__(self, log: Signed, environment: Mapping[str, str], export: Path) -> None:
        self.log = log
        self.export = export
        self.kept = export.with_name("kept.checkpoint")
        self.kept.write_text(log.kept)
        key = export.with_name("campaign.key")
        key.write_text(SEED.reveal().hex())
        key.chmod(0o600)
        self.environment = {**os.environ, **environment, "TARIKH_NOTARY_KEY_FILE": str(key)}
        with log.owner() as owner:
            owner.execute(UNFASTENED.encode())
            owner.execute(KEEP.encode())

    async def untouched(self) -> list[Problem]:
        """What the commands find where nothing was done."""
        self.export.write_bytes(self.log.export_)
        return [*await self._log(), *await self._export()]

    async def asked(self, of: str, name: str, chance: Random) -> tuple[str, Expected, Sequence[Problem]]:
        """Alter it; what was done, what must be said, and what is said."""
        if of == "export":
            altered, what, expected = of_export.TAMPERINGS[name](self.log.export_, chance)
            self.export.write_bytes(altered)
            return what, expected, await self._export()
        with self.log.owner() as owner:
            owner.execute(RESTORE.encode())
            what, expected = of_database.TAMPERINGS[name](owner, chance)
        return what, expected, await self._log()

    async def _log(self) -> list[Problem]:
        with_keys = self.environment
        return await self._verify(with_keys)

    async def _export(self) -> list[Problem]:
        nowhere = {**os.environ, "TARIKH_DATA_DIR": str(self.export.with_name("nowhere"))}
        return await self._verify(nowhere, "--export", str(self.export), "--key", str(self.log.key))

    async def _verify(self, environment: Mapping[str, str], *words: str) -> list[Problem]:
        """The problems that it prints; it must exit as it speaks."""
        command = ("-m", "infra.cli", "log", "verify", "--json", "--checkpoint", str(self.kept), *words)
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=environment, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        told: dict[str, Any] = msgspec.json.decode(out)
        found = msgspec.convert(told["problems"], list[Problem])
        firsts = [problem.first for problem in found if problem.first is not None]
        if (process.returncode, told["ok"]) != ((1, False) if found else (0, True)):
            found.append(Problem(f"exit code {process.returncode}, ok {told['ok']}"))
        if told["first_bad_position"] != min(firsts, default=None):
            found.append(Problem(f"first_bad_position is {told['first_bad_position']}"))
        return found
