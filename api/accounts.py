"""Who has an account, for admins."""

from typing import Annotated

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.access import Access
from api.caller import services
from api.query import Before, Limit
from api.viewing import AnyRequest, Asking, of_house, reached, view
from domain.event import Role
from projections import accounts as model_of_accounts
from projections.accounts import AccountView, Status

OfStatus = Annotated[Status | None, QueryParameter(name="status")]
OfRole = Annotated[Role | None, QueryParameter(name="role")]


class Accounts(msgspec.Struct, frozen=True):
    """A page of accounts, the last invited first."""

    items: tuple[AccountView, ...]
    next: str | None
    position: int


@view("/admin/accounts", Access("manage_accounts"))
async def accounts(
    request: AnyRequest,
    asking: NamedDependency[Asking],
    *,
    status: OfStatus = None,
    role: OfRole = None,
    before: Before = None,
    limit: Limit = 50,
) -> Response[Accounts]:
    """Accounts with their roles and how they stand."""
    found = services(request)
    model = found.models["accounts"]
    checkpoint = await reached(request, asking, model)
    asked = model_of_accounts.Asked(status=status, role=role, before=before, limit=limit)
    async with found.pool.connection() as connection:
        page = await model_of_accounts.page(connection, model.schema, 0, asked)
    return of_house(request, Accounts(page.items, page.next, checkpoint), checkpoint)


ROUTES = [accounts]
