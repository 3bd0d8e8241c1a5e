"""When a certificate is valid: just enough of X.509 to read its two dates, so that no package is needed.

DER is tag, length, content, nested (ITU-T X.690). A certificate (RFC 5280, 4.1) starts with
SEQUENCE { tbs SEQUENCE { [0] version?, serial, algorithm, issuer, validity SEQUENCE { from, to }, ...
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18


def validity(pem: bytes) -> tuple[datetime, datetime] | None:
    """First and last moment of the first certificate in a PEM file; None when there is none to read."""
    block = _BLOCK.search(pem)
    if block is None:
        return None
    try:
        (_, certificate), *_ = _elements(binascii.a2b_base64(block[1]))
        (_, signed), *_ = _elements(certificate)
        fields = [content for tag, content in _elements(signed) if tag != _VERSION]
        start, end = (_time(tag, content) for tag, content in _elements(fields[3]))
    except (ValueError, IndexError):
        return None
    return start, end


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            length, at = int.from_bytes(der[at : at + octets], "big"), at + octets
        if at + length > len(der):
            raise ValueError("truncated")
        yield tag, der[at : at + length]
        at += length


def _time(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year; RFC 5280 puts 50 and above in the last century
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("not a time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
