import pytest
from msgspec import structs

from icat_tui.domain.status import Status
from icat_tui.sync.plan import Offer
from icat_tui.text import visible
from icat_tui.tui.screens.message_preview import MessagePreview, readable
from tests.support.names import HOSTILE_TEXTS
from tests.support.ui_dialogs import looked_at, plan_of, press, words


def offer(body: bytes, *warnings: str, dataset: str = "/data/x") -> Offer:
    one = next(iter(plan_of(Status.UNREGISTERED).offers))
    return Offer(one.dataset, structs.replace(one.message, body=body, dataset=dataset), warnings)


def test_a_message_is_shown_whole_with_a_line_for_each_element() -> None:
    body = next(iter(plan_of(Status.UNREGISTERED).offers)).message.body
    lines = readable(body)
    assert "".join(lines) == body.decode()
    assert "<tns:name>0000</tns:name>" in lines


def test_what_cannot_be_printed_is_visible() -> None:
    assert readable("<a>\x1b[2J\u202e</a>".encode()) == ["<a>\\x1b[2J\\u202e</a>"]
    assert readable(b"caf\xe9\x00") == ["caf\\xe9\\x00"]
    assert readable(b"<a>1\r\n2\n</a>") == ["<a>1\\r\\n", "2\\n", "</a>"]


def test_where_it_goes_and_what_is_doubtful_is_said_first() -> None:
    told = words(looked_at(lambda: MessagePreview(offer(b"<body/>", "a doubt"))))
    order = ["register -> icatIngest", "/data/x", "! a doubt", "<body/>"]
    assert sorted(order, key=told.index) == order


def test_hostile_texts_are_shown_visible_and_are_no_markup() -> None:
    texts = [text for text in HOSTILE_TEXTS if len(text) < 100]
    inside = [text.replace("\n", "").replace("\0", "") for text in texts]  # a line of their own, and never sent
    body = "".join(f"<tns:x>{text}</tns:x>" for text in inside).encode(errors="surrogateescape")
    lines = looked_at(lambda: MessagePreview(offer(body, *texts, dataset="[/x]\x1b")), size=(150, 400))
    assert all(line.isprintable() for line in lines)
    told = words(lines)
    for text in inside:
        assert " ".join(f"<tns:x>{visible(text)}</tns:x>".split()) in told, text
    for text in texts:
        assert " ".join(f"! {visible(text)}".split()) in told, text


@pytest.mark.parametrize("key", ["escape", "x", "q"])
def test_one_comes_back(key: str) -> None:
    assert press(lambda: MessagePreview(offer(b"<body/>")), key) is None


def test_long_messages_scroll() -> None:
    body = b"".join(b"<tns:x>%d</tns:x>" % number for number in range(100))
    assert "<tns:x>2</tns:x>" in words(looked_at(lambda: MessagePreview(offer(body)), size=(40, 12)))
    assert "<tns:x>2</tns:x>" not in words(looked_at(lambda: MessagePreview(offer(body)), *"jjj", size=(40, 12)))
    assert "<tns:x>99</tns:x>" in words(looked_at(lambda: MessagePreview(offer(body)), "end", size=(40, 12)))
