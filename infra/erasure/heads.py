"""The log's head is signed before an erasure, so that a checkpoint stands close on either side of it."""

import structlog

from infra.notary.signing import Notary, Refused

log = structlog.get_logger()


async def sign_head(notary: Notary) -> None:
    """Sign it now; a notary that refuses does not keep anybody from being forgotten."""
    try:
        await notary.checkpoint()
    except Refused as refused:
        log.error("notary.refused", reason=str(refused))  # noqa: TRY400  there is no traceback to read
