"""The wire: what boards send is understood or refused; what they get fits their buffer and their display."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.protocol import (
    Action,
    Alive,
    BadMessage,
    CacheReply,
    CheckMachine,
    CheckUser,
    InUse,
    MachineReply,
    MaintenanceDone,
    SimpleReply,
    StartUse,
    StopUse,
    SyncCache,
    Topics,
    UserReply,
    board_text,
    encode,
    encode_request,
    packet_size,
    parse,
    refusal,
)

TOPIC = "machine/7/reply"
BUFFER = 300
DAY = 24 * 3600


def read(**fields):
    return parse(7, json.dumps(fields).encode())


def refused(payload):
    with pytest.raises(BadMessage) as refusal:
        parse(7, payload)
    return refusal.value


def refused_fields(**fields):
    return refused(json.dumps(fields).encode())


# ---- what boards send ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b'{"action":"checkmachine"}', CheckMachine(7)),
        (b'{"action":"synccache"}', SyncCache(7)),
        (b'{"action":"checkuser","uid":"0a1b2c3d"}', CheckUser(7, "0a1b2c3d")),
        (b'{"action":"startuse","uid":"0a1b2c3d"}', StartUse(7, "0a1b2c3d")),
        (b'{"action":"startuse","uid":"0a1b2c3d","replay":true}', StartUse(7, "0a1b2c3d", True)),
        (b'{"action":"inuse","uid":"0a1b2c3d","duration":30}', InUse(7, "0a1b2c3d", 30)),
        (b'{"action":"stopuse","uid":"0a1b2c3d","duration":90}', StopUse(7, "0a1b2c3d", 90)),
        (b'{"action":"stopuse","uid":"0a1b2c3d","duration":90,"replay":true}', StopUse(7, "0a1b2c3d", 90, True)),
        (b'{"action":"stopuse","uid":"00000000","duration":0}', StopUse(7, "00000000", 0)),
        (b'{"action":"maintenance","uid":"ca51a000"}', MaintenanceDone(7, "ca51a000")),
        (b'{"action":"maintenance","uid":"ca51a000","replay":true}', MaintenanceDone(7, "ca51a000", True)),
    ],
)
def test_each_query_becomes_its_message(payload, message):
    assert parse(7, payload) == message


def test_keys_come_in_any_order_with_any_blanks():
    payload = b' {\n "replay" : false,\t"duration": 90 , "uid" :"0a1b2c3d","action" : "stopuse" }\r\n'
    assert parse(7, payload) == StopUse(7, "0a1b2c3d", 90)


def test_unknown_keys_are_ignored():
    message = read(action="inuse", uid="0a1b2c3d", duration=30, rssi=-60, wifi={"ssid": "lab"}, x=None, y=[1])
    assert message == InUse(7, "0a1b2c3d", 30)


@pytest.mark.parametrize(
    ("replay", "is_replay"),
    [({}, False), ({"replay": False}, False), ({"replay": True}, True), ({"replay": None}, False)],
)
def test_replay_may_be_missing_false_or_true(replay, is_replay):
    assert read(action="startuse", uid="0a1b2c3d", **replay).is_replay is is_replay


@pytest.mark.parametrize("uid", ["0A1B2C3D", "0A:1B:2C:3D", "0a-1b-2c-3d", " 0a 1b 2c 3d "])
def test_uid_is_understood_in_any_notation(uid):
    assert read(action="checkuser", uid=uid) == CheckUser(7, "0a1b2c3d")


@pytest.mark.parametrize("duration", [0, 1, DAY, 30 * DAY])
def test_durations_up_to_thirty_days_are_understood(duration):
    assert read(action="stopuse", uid="0a1b2c3d", duration=duration).duration == duration


# ---- signs of life ---------------------------------------------------------------------------------------------------


def test_current_firmware_says_who_it_is():
    message = read(action="alive", version="0.7.2,ab12cd3", ip="192.168.1.7", serial="A4CF12345678", heap="181234")
    assert message == Alive(7, "0.7.2", "ab12cd3", "192.168.1.7", "A4CF12345678", 181234)


def test_older_firmware_has_neither_serial_nor_heap():
    assert read(action="alive", version="0.5.0,ffff", ip="10.0.0.7") == Alive(7, "0.5.0", "ffff", "10.0.0.7")


@pytest.mark.parametrize(
    ("heap", "bytes_free"),
    [
        ("181234", 181234),
        (181234, 181234),
        (0, 0),
        ("", None),
        ("many", None),
        (-1, None),
        (1.5, None),
        (True, None),
        (None, None),
        ("٣", None),
        ("9" * 4000, None),
        (10**11, None),
    ],
)
def test_heap_is_a_string_a_number_or_left_out(heap, bytes_free):
    assert read(action="alive", heap=heap).free_heap == bytes_free


@pytest.mark.parametrize("odd", [None, 7, True, [], {}, "", "   ", "\ud800", "\u0000"])
def test_odd_sign_of_life_is_still_one(odd):
    assert read(action="alive", version=odd, ip=odd, serial=odd, heap=odd) in (Alive(7), Alive(7, free_heap=7))


def test_long_sign_of_life_is_cut():
    message = read(action="alive", version="1" * 500 + "," + "2" * 500, ip="3" * 500, serial="4" * 500)
    assert max(map(len, (message.build, message.firmware, message.ip_address, message.serial))) <= 45


# ---- refusals that are answered --------------------------------------------------------------------------------------

WITH_UID = [Action.CHECK_USER, Action.START_USE, Action.IN_USE, Action.STOP_USE, Action.MAINTENANCE]
NO_UIDS = [
    7,
    1.5,
    True,
    None,
    [],
    ["0a1b2c3d"],
    {},
    "",
    "0a1b2c3",
    "0a1b2c3d4",
    "card",
    "٠a1b2c3d",
    "\ud800" * 8,
    "0" * 3000,
]


@pytest.mark.parametrize("action", WITH_UID)
@pytest.mark.parametrize("uid", NO_UIDS, ids=lambda uid: ascii(uid)[:20])
def test_query_with_a_wrong_uid_can_be_refused_by_name(action, uid):
    assert refused_fields(action=action, uid=uid, duration=60).action is action


@pytest.mark.parametrize("action", WITH_UID)
def test_query_without_a_uid_can_be_refused_by_name(action):
    assert refused_fields(action=action, duration=60).action is action


NO_DURATIONS = [
    "abc",
    "",
    -1,
    1.5,
    True,
    False,
    None,
    [],
    {},
    float("nan"),
    float("inf"),
    1e308,
    30 * DAY + 1,
    2**63,
    10**4000,
]


@pytest.mark.parametrize("action", [Action.IN_USE, Action.STOP_USE])
@pytest.mark.parametrize("duration", NO_DURATIONS, ids=lambda duration: str(duration)[:12])
def test_query_with_a_wrong_duration_can_be_refused_by_name(action, duration):
    assert refused_fields(action=action, uid="0a1b2c3d", duration=duration).action is action


@pytest.mark.parametrize("action", [Action.IN_USE, Action.STOP_USE])
def test_query_without_a_duration_can_be_refused_by_name(action):
    assert refused_fields(action=action, uid="0a1b2c3d").action is action


@pytest.mark.parametrize("action", list(Action))
def test_every_query_but_alive_has_a_refusal_in_its_own_form(action):
    reply = refusal(action, "no card number")
    if action is Action.ALIVE:
        assert reply is None
    else:
        assert json.loads(encode(reply, TOPIC, BUFFER))["request_ok"] is False


def test_reasons_are_short_and_hold_nothing_of_the_message():
    assert "secret" not in refused_fields(action="checkuser", uid="secret").reason


# ---- refusals that are not -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" ",
        b"\x00",
        b"\xff\xfe\xfd",
        b'{"action":"checkuser","uid":"\xff"}',
        b"\xef\xbb\xbf" + b'{"action":"checkmachine"}',
        b"null",
        b"true",
        b"7",
        b"-1e400",
        b"NaN",
        b'"checkmachine"',
        b"[]",
        b'[{"action":"checkmachine"}]',
        b"{}",
        b"{",
        b"action=checkmachine",
        b"{'action':'checkmachine'}",
        b'{"action":"checkmachine"}{"action":"checkmachine"}',
        b'{"uid":"0a1b2c3d"}',
        b'{"Action":"checkmachine"}',
        b"[" * 100_000,
        b"[" * 4000,
        b'{"a":' * 800,
        b'{"action":"stopuse","uid":"0a1b2c3d","duration":60,"x":' + b"[" * 3000 + b"]" * 1000 + b"}",
        b"x" * 1_000_000,
        b'{"action":"checkuser","uid":"' + b"0" * 1_000_000 + b'"}',
        b'{"action":"checkuser","uid":"' + b"0" * 10_000 + b'"}',
        b'{"action":"stopuse","uid":"0a1b2c3d","duration":' + b"9" * 5000 + b"}",
    ],
    ids=lambda payload: ascii(payload[:40]),
)
def test_what_is_no_message_is_refused_without_a_name(payload):
    assert refused(payload).action is None


@pytest.mark.parametrize(
    "action", ["", "reboot", "CHECKUSER", "checkuser ", "\ud800", None, 7, True, [], ["alive"], {}]
)
def test_unknown_action_is_refused_without_a_name(action):
    assert refused_fields(action=action, uid="0a1b2c3d", duration=60).action is None


# ---- topics ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "number"),
    [("machine/7", 7), ("machine/007", 7), ("machine/0", 0), ("machine/1", 1), ("machine/65535", 65535)],
)
def test_topic_names_the_machine(topic, number):
    assert Topics().machine_id(topic) == number


@pytest.mark.parametrize(
    "name",
    [
        "",
        "abc",
        "-1",
        "+7",
        " 7",
        "7 ",
        "7.0",
        "0x7",
        "1e3",
        "7_0",
        "٧",
        "七",
        "²",
        "7/reply",
        "7/",
        "65536",
        "999999",
        str(2**63),
        "9" * 5000,
        "0" * 5000,
    ],
    ids=lambda name: ascii(name[:20]),
)
def test_topic_that_names_no_machine_is_refused_without_a_name(name):
    with pytest.raises(BadMessage) as refusal:
        Topics().machine_id(f"machine/{name}")
    assert refusal.value.action is None


@pytest.mark.parametrize("topic", ["", "machine", "machines/7", "other/7", "7", "Machine/7", "x/machine/7"])
def test_topic_of_something_else_is_refused(topic):
    with pytest.raises(BadMessage):
        Topics().machine_id(topic)


def test_answer_goes_to_the_topic_the_query_came_from():
    assert Topics().reply_to("machine/007") == "machine/007/reply"


def test_topics_follow_the_labs_names():
    topics = Topics("lab/boards", "/out", "/do")
    assert topics.subscription == "lab/boards/+"
    assert topics.machine_id("lab/boards/12") == 12
    assert (topics.reply_to("lab/boards/12"), topics.request_to(12)) == ("lab/boards/12/out", "lab/boards/12/do")


# ---- what boards get: exact bytes ------------------------------------------------------------------------------------

REPLIES = {
    "checkuser granted": UserReply(True, True, "Ada Lovelace", 1),
    "checkuser refused for want of a right": UserReply(True, False, "Bruno Munari", 0, True),
    "checkuser unknown card": UserReply(True),
    "checkuser administrator with a long name in other letters": UserReply(True, True, "Zofia Królikowska-Łęcka", 3),
    "checkuser undecided": refusal(Action.CHECK_USER, "database away"),
    "checkmachine free": MachineReply(True, True, False, True, "Laser", 60, 1, 2),
    "checkmachine maintenance due": MachineReply(
        True, True, True, True, "Laser cutter 2, ground floor", 0, 255, 0, "Linse säubern"
    ),
    "checkmachine blocked": MachineReply(True, True, False, False, "Laser", 60, 1, 2),
    "checkmachine numbers too large for the board": MachineReply(True, True, False, True, "Laser", 65536, 256, 10**9),
    "checkmachine unknown": MachineReply(True),
    "checkmachine undecided": refusal(Action.CHECK_MACHINE, "database away"),
    "event recorded": SimpleReply(True),
    "event refused": refusal(Action.STOP_USE, "unknown card"),
    "synccache": CacheReply(True, (("0a1b2c3d", 2), ("b1b1b1b1", 1))),
    "synccache empty": CacheReply(True),
    "synccache undecided": refusal(Action.SYNC_CACHE, "database away"),
}


def golden():
    blocks = (Path(__file__).parent / "golden" / "wire.txt").read_text("ascii").strip().split("\n\n")
    return {name: line.encode() for name, line in (block.split("\n") for block in blocks)}


@pytest.mark.parametrize("name", list(REPLIES))
def test_reply_is_what_it_was(name):
    assert encode(REPLIES[name], TOPIC, BUFFER) == golden()[name]


@pytest.mark.parametrize("request_type", ["start", "stop"])
def test_request_is_what_it_was(request_type):
    assert encode_request(request_type, "0a1b2c3d") == golden()[f"request {request_type}"]


def test_every_golden_line_is_tested():
    assert set(golden()) == {*REPLIES, "request start", "request stop"}


@pytest.mark.parametrize(
    ("request_type", "uid"),
    [
        ("start", ""),
        ("start", "0a1b2c3"),
        ("stop", "0A1B2C3D"),
        ("stop", "0a:1b:2c:3d"),
        ("stop", "card-uid"),
        ("reboot", "0a1b2c3d"),
    ],
)
def test_request_that_would_make_the_board_read_random_memory_is_not_made(request_type, uid):
    with pytest.raises(ValueError, match="request"):
        encode_request(request_type, uid)


# ---- what boards get: 300 bytes --------------------------------------------------------------------------------------


def publish_packet(topic, payload):
    """The PUBLISH as it goes over the wire, written down from the MQTT 3.1.1 standard."""
    body = len(topic.encode()).to_bytes(2, "big") + topic.encode() + payload
    length, remaining = b"", len(body)
    while True:
        remaining, digit = divmod(remaining, 128)
        length += bytes([digit | (0x80 if remaining else 0)])
        if not remaining:
            return b"\x30" + length + body


FULL = MachineReply(True, True, True, True, "W" * 14, 65535, 255, 65535, "M" * 15)


@pytest.mark.parametrize("size", [1, 50, 120, 123, 124, 125, 126, 200, 295, 20_000])
def test_packet_size_is_that_of_the_real_packet(size):
    assert packet_size(TOPIC, b"x" * size) == len(publish_packet(TOPIC, b"x" * size))


def topic_for(reply, size):
    """A topic so long that the whole reply makes a packet of `size` bytes."""
    return "t" * (size - 1 - 2 - 2 - len(encode(reply, "", 60_000)))


@pytest.mark.parametrize("reply", [FULL, UserReply(True, True, "W" * 15), CacheReply(True, (("0a1b2c3d", 2),) * 5)])
def test_packet_of_300_bytes_leaves_whole_and_301_never(reply):
    whole = encode(reply, "", 60_000)
    assert encode(reply, topic_for(reply, 300), BUFFER) == whole
    cut = encode(reply, topic_for(reply, 301), BUFFER)
    assert cut != whole
    assert len(publish_packet(topic_for(reply, 301), cut)) <= 300


def test_longest_text_gives_way_first():
    fields = json.loads(encode(FULL, topic_for(FULL, 302), BUFFER))
    assert sorted([len(fields["name"]), len(fields["description"])]) == [13, 14]


def test_eight_cards_fit_an_ordinary_boards_buffer_the_most_useful_first():
    cards = tuple((f"{number:08x}", 2) for number in range(10))
    sent = json.loads(encode(CacheReply(True, cards), "machine/12/reply", BUFFER))["cards"]
    assert [card["uid"] for card in sent] == [uid for uid, _level in cards[:8]]


def test_board_stores_ten_cards_so_no_more_are_sent():
    cards = tuple((f"{number:08x}", 2) for number in range(200))
    assert len(json.loads(encode(CacheReply(True, cards), TOPIC, 60_000))["cards"]) == 10


def test_hundred_emoji_fit():
    reply = MachineReply(True, True, True, True, "🔥" * 100, 60, 1, 2, "🧹" * 100)
    assert json.loads(encode(reply, TOPIC, BUFFER))["name"] == "?"


def test_reply_that_cannot_fit_is_an_error_and_not_a_packet():
    with pytest.raises(ValueError, match="fits"):
        encode(FULL, "t" * 200, BUFFER)


# ---- what boards get: the display ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("Laser", 14, "Laser"),
        ("Laser cutter 2, ground floor", 14, "Laser cutter 2"),
        ("Fräse Größe", 15, "Frase Grosse"),
        ("Ñandú", 15, "Nandu"),
        ("Łukasz Żółć", 15, "Lukasz Zolc"),
        ("Мария", 15, "Mariya"),
        ("Æther", 15, "Aether"),
        ("🔥 Laser 🔥", 14, "Laser"),
        ("🔥", 14, "?"),
        ("", 14, ""),
        ("   ", 14, ""),
        ("a\tb\nc", 14, "abc"),
        ("\u202eLaser", 14, "Laser"),
        ("Lase\u0301r", 14, "Laser"),
        ("   Laser", 5, "Laser"),
        ("Laser cutter", 6, "Laser"),
    ],
)
def test_display_shows_plain_letters_in_its_columns(text, columns, shown):
    assert board_text(text, columns) == shown


# ---- anything --------------------------------------------------------------------------------------------------------

any_text = st.text(st.characters(exclude_categories=[]), max_size=60)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
any_query = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from([*Action, "reboot"]) | any_json,
        "uid": st.sampled_from(["0a1b2c3d", "0A:1B:2C:3D"]) | any_json,
        "duration": st.sampled_from([0, 60, 30 * DAY]) | any_json,
        "replay": st.booleans() | any_json,
        **dict.fromkeys(["version", "ip", "serial", "heap"], any_json),
    },
)


def is_message_or_bad(payload):
    try:
        message = parse(7, payload)
    except BadMessage as refusal:
        return len(refusal.reason) < 100
    return message.machine_id == 7


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(payload):
    assert is_message_or_bad(payload)


@given(any_query)
def test_any_object_is_a_message_or_refused(fields):
    assert is_message_or_bad(json.dumps(fields).encode())


@given(any_query)
def test_any_object_with_a_known_action_can_be_answered(fields):
    fields["action"] = "stopuse"
    payload = json.dumps(fields).encode()
    try:
        action = type(parse(7, payload)) is StopUse and Action.STOP_USE
    except BadMessage as refusal:
        action = refusal.action
    assert action is Action.STOP_USE or len(payload) > 4000


@given(any_text)
def test_any_topic_names_a_machine_or_is_refused(name):
    with suppress(BadMessage):
        assert 0 <= Topics().machine_id(f"machine/{name}") <= 65535


numbers = st.integers(0, 10**6)
replies = st.one_of(
    st.builds(UserReply, st.booleans(), st.booleans(), any_text, st.integers(0, 3), st.booleans()),
    st.builds(
        MachineReply,
        *[st.booleans()] * 4,
        name=any_text,
        logoff=numbers,
        type=numbers,
        grace=numbers,
        description=any_text,
    ),
    st.builds(SimpleReply, st.booleans(), any_text),
    st.builds(
        CacheReply, st.booleans(), st.lists(st.tuples(st.just("0a1b2c3d"), st.integers(1, 3)), max_size=12).map(tuple)
    ),
)
KINDS = {
    UserReply: {"request_ok": bool, "is_valid": bool, "name": str, "level": int, "missing_auth": bool},
    MachineReply: {
        **dict.fromkeys(["request_ok", "is_valid", "maintenance", "allowed"], bool),
        **dict.fromkeys(["logoff", "type", "grace"], int),
        **dict.fromkeys(["name", "description"], str),
    },
    SimpleReply: {"request_ok": bool, "message": str},
    CacheReply: {"request_ok": bool, "cards": list},
}
COLUMNS = {(UserReply, "name"): 15, (MachineReply, "name"): 14, (MachineReply, "description"): 15}


@given(replies, st.integers(200, 400), st.integers(1, 50))
def test_any_reply_fits_and_is_plain_and_whole(reply, limit, topic_length):
    topic = "t" * topic_length
    payload = encode(reply, topic, limit)
    assert len(publish_packet(topic, payload)) <= limit
    assert all(32 <= byte < 127 for byte in payload)
    fields = json.loads(payload)
    assert {key: type(value) for key, value in fields.items()} == KINDS[type(reply)]
    for key, value in fields.items():
        if isinstance(value, str):
            assert all(" " <= character <= "~" for character in value)
            assert len(value) <= COLUMNS.get((type(reply), key), 100)
    for key, largest in (("logoff", 65535), ("grace", 65535), ("type", 255), ("level", 3)):
        assert 0 <= fields.get(key, 0) <= largest
