"""The master keys: one wraps every key of the vault; an old one still opens what it had wrapped before."""

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.errors import CommandFailed
from infra.secret import Secret

NONCE_BYTES = 12


class WrongMasterKey(CommandFailed):
    """A key in the vault was wrapped by another master key than those in the settings."""

    def __init__(self, master_id: str) -> None:
        self.master_id = master_id
        super().__init__(
            f"the vault holds a key that was wrapped by the master key {master_id}, which is not set here:"
            " give it as TARIKH_OLD_MASTER_KEY or TARIKH_OLD_MASTER_KEY_FILE"
        )


def id_of(master: Secret) -> str:
    """A name that tells nothing of the key."""
    return hashlib.sha256(b"tarikh master id" + master.reveal()).hexdigest()[:16]


class MasterKeys:
    """Wraps by the current key, opens by any. What is `bound` to a wrapped key is authenticated with it."""

    def __init__(self, current: Secret, old: Secret | None = None) -> None:
        self.id = id_of(current)
        self._ciphers = {id_of(key): AESGCM(key.reveal()) for key in (current, old) if key is not None}

    def wrap(self, key: bytes, bound: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[self.id].encrypt(nonce, key, bound)

    def unwrap(self, wrapped: bytes, master_id: str, bound: bytes) -> bytes:
        """Raises WrongMasterKey."""
        cipher = self._ciphers.get(master_id)
        if cipher is None:
            raise WrongMasterKey(master_id)
        try:
            return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound)
        except InvalidTag as error:
            raise WrongMasterKey(master_id) from error


def bound(shard: int, subject: bytes, key_id: bytes) -> bytes:
    """Where a wrapped key stands, so that none can be moved to another patient."""
    return shard.to_bytes(4, "big") + subject + key_id
