"""Identities are encrypted for one patient and found by a keyed hash."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scheduler.store.errors import IdentityUnreadable
from scheduler.store.identity import Key

KEY = Key(bytes(range(32)))

IDENTITIES = pl.DataFrame(
    {
        "patient_id": [1, 2],
        "mrn": ["0042", "김-7"],
        "name": ["Kim Minji", None],
        "birth_date": [date(1960, 5, 17), None],
    }
)


def test_what_was_encrypted_is_decrypted_with_the_same_key() -> None:
    assert_frame_equal(KEY.decrypt(KEY.encrypt(IDENTITIES)), IDENTITIES)


def test_the_same_identity_never_encrypts_to_the_same_bytes() -> None:
    once, again = KEY.encrypt(IDENTITIES), KEY.encrypt(IDENTITIES)

    assert set(once["ciphertext"]).isdisjoint(again["ciphertext"])


@pytest.mark.parametrize(
    ("key", "patient_id", "position"),
    [
        pytest.param(Key(bytes(32)), 1, None, id="another key"),
        pytest.param(KEY, 2, None, id="another patient"),
        pytest.param(KEY, 1, 0, id="an altered nonce"),
        pytest.param(KEY, 1, 20, id="an altered text"),
        pytest.param(KEY, 1, -1, id="an altered seal"),
    ],
)
def test_an_altered_or_moved_identity_is_refused(key: Key, patient_id: int, position: int | None) -> None:
    sealed = bytearray(KEY.encrypt(IDENTITIES)["ciphertext"][0])
    if position is not None:
        sealed[position] ^= 1

    with pytest.raises(IdentityUnreadable, match=f"patient {patient_id}"):
        key.decrypt(pl.DataFrame({"patient_id": [patient_id], "ciphertext": [bytes(sealed)]}))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("A-17", "\u00a0A-17\t", True, id="blanks around it"),
        pytest.param("Ä1", "A\u03081", True, id="composed and decomposed letters"),
        pytest.param("A-17", "a-17", False, id="upper and lower case"),
        pytest.param("0042", "42", False, id="leading noughts"),
        pytest.param("A 17", "A17", False, id="blanks inside"),
    ],
)
def test_which_ways_to_write_an_mrn_are_the_same(one: str, other: str, same: bool) -> None:
    assert (KEY.hash_mrn(one) == KEY.hash_mrn(other)) == same


def test_the_hash_needs_the_key_and_tells_nothing_of_the_others() -> None:
    other = Key(bytes(32))

    assert KEY.hash_mrn("0042") != other.hash_mrn("0042")
    assert KEY.fingerprint != other.fingerprint
    assert "00" * 16 not in repr(other)
