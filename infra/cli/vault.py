"""`tarikh vault`: the keys that open what patients said."""

import argparse
import asyncio
from typing import TYPE_CHECKING

from infra.cli.command import Subparsers, add, add_group, print_json, settings

if TYPE_CHECKING:
    from infra.rotation import Rotated
    from infra.settings import Settings


def register(subparsers: Subparsers) -> None:
    group = add_group(subparsers, "vault", "See to the keys of the patients.")
    rotating = add(
        group,
        "rotate",
        rotate,
        "Wrap every key anew by the master key of the settings; the one before it is TARIKH_OLD_MASTER_KEY.",
    )
    rotating.add_argument("--json", action="store_true", help="answer for programs")


def rotate(arguments: argparse.Namespace) -> int:
    from infra.running import ready

    chosen = settings()
    with ready(chosen) as servers:
        rotated = asyncio.run(_rotated(chosen, servers.vault_url))
    if arguments.json:
        print_json(rotated)
    else:
        print(f"{rotated.keys} keys were wrapped anew; the master key {rotated.master_id} opens all of them")
    return 0


async def _rotated(chosen: "Settings", vault_url: str) -> "Rotated":
    from psycopg_pool import AsyncConnectionPool

    from infra.master_keys import MasterKeys
    from infra.rotation import rotate as rotate_keys

    masters = MasterKeys(chosen.master_key, chosen.old_master_key)
    kwargs = {"autocommit": True}
    async with AsyncConnectionPool(vault_url, min_size=1, max_size=1, kwargs=kwargs, open=False) as pool:
        return await rotate_keys(pool, masters)
