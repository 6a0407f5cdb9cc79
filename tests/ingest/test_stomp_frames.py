"""Frames out of bytes, however these are split over reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.ingest.stomp_frames import LARGEST_FRAME, FrameError, FrameReader

RECEIPT = b"RECEIPT\nreceipt-id:1\n\n\0"


def frames(*reads: bytes) -> list[bytes]:
    reader = FrameReader()
    return [frame for read in reads for frame in reader.feed(read)]


@pytest.mark.parametrize(
    "sent",
    [
        b"RECEIPT\nreceipt-id:1\n\n\0", b"\n\nRECEIPT\nreceipt-id:1\n\n\0",
        b"\r\n\r\n\nRECEIPT\nreceipt-id:1\n\n\0\n\n",
        b"RECEIPT\r\nreceipt-id:1\r\n\r\n\0", b"\0\n\0RECEIPT\nreceipt-id:1\n\n\0\0", b"RECEIPT\nreceipt-id:1\n\0",
        b"RECEIPT\nreceipt-id:1\0", b"RECEIPT\nreceipt-id:1\ncontent-length:0\n\n\0",
        b"RECEIPT\ncontent-length: 0 \r\nreceipt-id:1\r\n\r\n\0", b"RECEIPT\ncontent-length:none\nreceipt-id:1\n\n\0",
    ],
)  # fmt: skip
def test_one_receipt_comes_out_however_it_is_written(sent: bytes) -> None:
    assert frames(sent) == [RECEIPT]
    assert frames(*(bytes([byte]) for byte in sent)) == [RECEIPT]


PIECES = {
    b"\n": b"", b"\r\n": b"", b"\0": b"", RECEIPT: RECEIPT,
    b"ERROR\nmessage:no\n\nroom\n\nleft\0": b"ERROR\nmessage:no\n\nroom\n\nleft\0",
    b"ERROR\nmessage:a\\nb\ncontent-length:5\n\na\0b\0c\0": "ERROR\nmessage:a\\nb\n\na\ufffdb\ufffdc\0".encode(),
    b"ERROR\r\nmessage:\xe9\r\n\r\n\xe9\r\n\0": "ERROR\nmessage:\ufffd\n\n\ufffd\r\n\0".encode(),
}  # fmt: skip


@given(sent=st.lists(st.sampled_from(sorted(PIECES))), data=st.data())
def test_the_same_frames_come_out_wherever_reads_begin_and_end(sent: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(sent)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))))
    reads = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    reader = FrameReader()
    assert b"".join(frame for read in reads for frame in reader.feed(read)) == b"".join(map(PIECES.get, sent))  # type: ignore[arg-type] # all of them are there
    assert reader.between


def test_a_part_of_a_frame_is_between_nothing() -> None:
    reader = FrameReader()
    assert reader.between
    reader.feed(b"\nREC")
    assert not reader.between


def test_a_frame_of_the_largest_size_comes_out_and_no_larger_one() -> None:
    head = b"ERROR\nmessage:long\n\n"
    largest = head + b"x" * (LARGEST_FRAME - len(head))
    assert frames(largest[:-1], largest[-1:], b"\0") == [largest + b"\0"]
    for too_long in (largest + b"x", largest + b"x\0"):
        with pytest.raises(FrameError, match="1,048,576"):
            frames(too_long)


def test_a_frame_that_is_said_to_be_too_large_is_not_waited_for() -> None:
    with pytest.raises(FrameError, match="more than"):
        frames(b"ERROR\ncontent-length:2000000\n\n")
    head = b"ERROR\ncontent-length:1048500\n\n"
    assert frames(head + b"x") == []


def test_a_frame_that_is_longer_than_it_says_is_a_fault() -> None:
    with pytest.raises(FrameError, match="longer than it says"):
        frames(b"ERROR\ncontent-length:1\n\nab\0")


def test_heart_beats_without_end_keep_nothing() -> None:
    reader = FrameReader()
    for _ in range(3):
        assert reader.feed(b"\n" * LARGEST_FRAME) == []
        assert reader.between
