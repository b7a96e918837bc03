"""Messages into frames and back."""

from __future__ import annotations

import msgspec

from slimgui.core.framing import HEADER, MAX_FRAME
from slimgui.core.wire.answers import Answer
from slimgui.core.wire.requests import Asked
from slimgui.core.wire.rows import Message

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(Asked)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def frame(message: Message) -> bytes:
    """`message` as bytes on the pipe. Raises ValueError above MAX_FRAME."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise ValueError(f"a message of {len(body)} bytes is above the limit of {MAX_FRAME}")
    return HEADER.pack(len(body)) + body


def decode_request(body: bytes) -> Asked:
    """The request in one frame's body. Raises msgspec.DecodeError."""
    return _requests.decode(body)


def decode_answer(body: bytes) -> Answer:
    """The answer in one frame's body. Raises msgspec.DecodeError."""
    return _answers.decode(body)
