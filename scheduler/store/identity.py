"""Who a patient is, and where people are reached: encrypted, bound to whose it is; and the keyed hash of an MRN.

From the one key four are derived (HKDF-SHA256), one for each purpose: AES-256-GCM for the identity and for addresses,
HMAC-SHA256 for the MRN, and a fingerprint that the registry keeps so that a wrong key is told at once.
"""

import hmac
import json
import os
import unicodedata
from collections.abc import Iterable
from datetime import date

import polars as pl
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from scheduler.errors import DeliveryError
from scheduler.store.errors import IdentityUnreadable

NONCE_BYTES = 12

IDENTITY_SCHEMA = pl.Schema({"mrn": pl.String(), "name": pl.String(), "birth_date": pl.Date()})


class AddressUnreadable(DeliveryError):
    """An encrypted address was changed, or moved to somebody else."""

    def __init__(self, *, owner: str) -> None:
        super().__init__(
            f"the address of {owner} cannot be decrypted: it was altered, or moved from somebody else",
            advice="restore it from a backup, or record the address again",
        )


class Key:
    """The four keys of one registry. None shows in its `repr`, which a log may hold.

    >>> Key(bytes(32))
    Key(...)
    """

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(_derive(secret, "identity encryption"))
        self._address_cipher = AESGCM(_derive(secret, "address encryption"))
        self._hashing = _derive(secret, "mrn hash")
        self.fingerprint = _derive(secret, "fingerprint").hex()

    def __repr__(self) -> str:
        return "Key(...)"

    def hash_mrn(self, mrn: str) -> str:
        """The keyed hash by which a patient is found, in hexadecimal; the MRN is normalised first.

        >>> Key(bytes(32)).hash_mrn(" 0042 ") == Key(bytes(32)).hash_mrn("0042")
        True
        """
        return hmac.digest(self._hashing, normalise_mrn(mrn).encode(), "sha256").hex()

    def hash_mrns(self, mrns: pl.Series) -> pl.Series:
        """The keyed hash of each MRN, as column `mrn_hash`."""
        return pl.Series("mrn_hash", [self.hash_mrn(mrn) for mrn in mrns], dtype=pl.String)

    def encrypt(self, identities: pl.DataFrame) -> pl.DataFrame:
        """Columns `patient_id` and `ciphertext`, a row for each row of `patient_id, mrn, name, birth_date`."""
        rows = identities.select("patient_id", *IDENTITY_SCHEMA).iter_rows()
        sealed = [(patient_id, self._seal(patient_id, *cells)) for patient_id, *cells in rows]
        return pl.DataFrame(sealed, schema={"patient_id": pl.Int64, "ciphertext": pl.Binary}, orient="row")

    def decrypt(self, ciphertexts: pl.DataFrame) -> pl.DataFrame:
        """Columns `patient_id, mrn, name, birth_date` from `patient_id, ciphertext`.

        Raises `IdentityUnreadable` for one that was altered or belongs to another patient.
        """
        rows = [(patient_id, *self._open(patient_id, sealed)) for patient_id, sealed in ciphertexts.iter_rows()]
        columns = {"patient_id": pl.Int64(), **IDENTITY_SCHEMA, "birth_date": pl.String()}
        return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col("birth_date").str.to_date())

    def encrypt_addresses(self, addresses: pl.DataFrame) -> pl.Series:
        """The column `ciphertext`, for each row of `owner, address`; missing where there is no address.

        `owner` says in words whose address it is; whoever decrypts must say the same.
        """
        rows = addresses.select("owner", "address").iter_rows()
        sealed = [None if address is None else self._seal_address(owner, address) for owner, address in rows]
        return pl.Series("ciphertext", sealed, dtype=pl.Binary)

    def decrypt_addresses(self, ciphertexts: pl.DataFrame) -> pl.Series:
        """The column `address`, for each row of `owner, ciphertext`; missing where nothing was encrypted.

        Raises `AddressUnreadable` for one that was altered or is somebody else's.
        """
        rows = ciphertexts.select("owner", "ciphertext").iter_rows()
        opened = [None if sealed is None else self._open_address(owner, sealed) for owner, sealed in rows]
        return pl.Series("address", opened, dtype=pl.String)

    def _seal(self, patient_id: int, mrn: str, name: str | None, birth_date: date | None) -> bytes:
        """A random nonce and the encrypted JSON, bound to the patient."""
        identity = {
            "mrn": normalise_mrn(mrn),
            "name": name,
            "birth_date": birth_date.isoformat() if birth_date else None,
        }
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(identity).encode(), _bound_to(patient_id))

    def _open(self, patient_id: int, sealed: bytes) -> Iterable[str | None]:
        """The cells of one identity, in the order of `IDENTITY_SCHEMA`, the birth date as text."""
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            identity = json.loads(self._cipher.decrypt(nonce, ciphertext, _bound_to(patient_id)))
        except (InvalidTag, ValueError) as error:
            raise IdentityUnreadable(patient_id=patient_id) from error
        return [identity.get(name) for name in IDENTITY_SCHEMA]

    def _seal_address(self, owner: str, address: str) -> bytes:
        """A random nonce and the encrypted address, bound to its owner."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._address_cipher.encrypt(nonce, address.encode(), owner.encode())

    def _open_address(self, owner: str, sealed: bytes) -> str:
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._address_cipher.decrypt(nonce, ciphertext, owner.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise AddressUnreadable(owner=owner) from error


def normalise_mrn(mrn: str) -> str:
    """The MRN without surrounding blanks and in Unicode form C; upper and lower case stay apart.

    >>> normalise_mrn(" A-17 ")
    'A-17'
    """
    return unicodedata.normalize("NFC", mrn.strip())


def _derive(secret: bytes, purpose: str) -> bytes:
    """The sub-key for one purpose."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"hepwatch {purpose}".encode()).derive(secret)


def _bound_to(patient_id: int) -> bytes:
    """What ties a ciphertext to its patient, so that two cannot be swapped."""
    return f"patient {patient_id}".encode()
