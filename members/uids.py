"""Card numbers as people and readers write them, and the one way we store them."""

import re

UID_DIGITS = 8
DECIMAL_DIGITS = 10
_SEPARATORS = re.compile(r"[\s:\-.]+")
_HEX = re.compile(r"[0-9a-f]+")
_SHOWN_DIGITS = 4
_PAIR = "[0-9a-f]{2}"
_DATE = r"20\d\d[01]\d[0-3]\d"
# Together, or in pairs of which there are no more than four: more are the address of a board.
_TOGETHER = rf"(?!{_DATE}(?![0-9a-z]))[0-9a-f]{{8}}(?![0-9a-z])"
_IN_PAIRS = rf"(?<!{_PAIR}[:-]){_PAIR}([:-]){_PAIR}\1{_PAIR}\1{_PAIR}(?!\1{_PAIR}|[0-9a-z])"
_IN_A_TEXT = re.compile(rf"(?<![0-9a-z])(?:{_TOGETHER}|{_IN_PAIRS})", re.IGNORECASE)


def normalise_uid(text: str) -> str:
    """`AA:BB:CC:DD` becomes `aabbccdd`; what is no card number stays recognisable, for a form to complain about."""
    return _SEPARATORS.sub("", text).lower()


def is_reader_uid(uid: str) -> bool:
    """Whether a normalised uid is one the readers can send: the first four bytes of a card's id."""
    return len(uid) == UID_DIGITS and _HEX.fullmatch(uid) is not None


def shortened(uid: str) -> str:
    """As it may stand in a log: enough to tell two cards apart at a reader, too little to make one."""
    return f"{uid[:_SHOWN_DIGITS]}…"


def without_cards(text: str) -> str:
    """Any text, with whatever in it may be a card's number shortened."""
    return _IN_A_TEXT.sub(lambda found: shortened(normalise_uid(found[0])), text)


def from_decimal(text: str) -> set[str]:
    """Some cards have their number printed as a decimal, of its bytes in either order."""
    if not (text.isascii() and text.isdigit() and UID_DIGITS <= len(text) <= DECIMAL_DIGITS and int(text) < 1 << 32):
        return set()
    number = int(text).to_bytes(4)
    return {number.hex(), number[::-1].hex()}


def looks_random(uid: str) -> bool:
    """Phones show a new id at each tap; the standard reserves those that begin with 08 (ISO/IEC 14443-3)."""
    return uid.startswith("08")
