"""Bearer tokens: who acts, in which role, until when; signed with the token key."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OctKey

from domain.event import Actor, Role
from infra.secret import Secret

ALGORITHM = "HS256"
ISSUER = "tarikh"


class InvalidToken(Exception):
    """Not a token of this house."""


class ExpiredToken(InvalidToken):
    """It was one, and its time is over."""


class Tokens:
    """Issues and reads tokens."""

    def __init__(self, key: Secret) -> None:
        self._key = OctKey.import_key(key.reveal())
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER}, sub={"essential": True}, exp={"essential": True}
        )

    def issue(self, actor: Actor, lifetime: timedelta, now: datetime | None = None) -> str:
        """A token that speaks for the actor for so long."""
        start = now or datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "sub": str(actor.account_id),
            "role": actor.role,
            "iat": int(start.timestamp()),
            "exp": int((start + lifetime).timestamp()),
        }
        if actor.patient_id is not None:
            claims["patient"] = str(actor.patient_id)
        return jwt.encode({"alg": ALGORITHM}, claims, self._key)

    def read(self, token: str) -> Actor:
        """Who speaks. Raises InvalidToken, ExpiredToken."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            self._claims.validate(claims)
            role: Role = claims["role"]
            if role not in get_args(Role):
                raise InvalidToken
            patient = claims.get("patient")
            return Actor(
                account_id=UUID(claims["sub"]), role=role, patient_id=UUID(patient) if patient else None
            )
        except ExpiredTokenError as error:
            raise ExpiredToken from error
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidToken from error
