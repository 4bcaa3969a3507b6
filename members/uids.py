"""Card numbers as people and readers write them, and the one way we store them."""

import re

UID_DIGITS = 8
DECIMAL_DIGITS = 10
_SEPARATORS = re.compile(r"[\s:\-.]+")
_HEX = re.compile(r"[0-9a-f]+")


def normalise_uid(text: str) -> str:
    """`AA:BB:CC:DD` becomes `aabbccdd`; what is no card number stays recognisable, for a form to complain about."""
    return _SEPARATORS.sub("", text).lower()


def is_reader_uid(uid: str) -> bool:
    """Whether a normalised uid is one the readers can send: the first four bytes of a card's id."""
    return len(uid) == UID_DIGITS and _HEX.fullmatch(uid) is not None


def from_decimal(text: str) -> set[str]:
    """Some cards have their number printed as a decimal, of its bytes in either order."""
    if not (text.isascii() and text.isdigit() and UID_DIGITS <= len(text) <= DECIMAL_DIGITS and int(text) < 1 << 32):
        return set()
    number = int(text).to_bytes(4)
    return {number.hex(), number[::-1].hex()}


def looks_random(uid: str) -> bool:
    """Phones show a new id at each tap; the standard reserves those that begin with 08 (ISO/IEC 14443-3)."""
    return uid.startswith("08")
