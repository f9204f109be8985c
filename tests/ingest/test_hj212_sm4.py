"""Encrypted segments of HJ 212-2025: the printed vectors of appendix A.2, both ways of writing the cipher."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.records import Reason
from ingest.decoders.hj212 import decode
from ingest.decoders.hj212.sm4 import deciphered
from sample_feeds.hj212_frames import crc, frame
from tests.ingest.hj212_support import STACK, context, packet

#: HJ 212-2025 appendix A.2: the key is sixteen times 0x30; 147 bytes are nine blocks and three plain bytes.
MN = "010000A8900016F000169DC0"
KEYS = {MN: "30" * 16}
PLAIN = (
    b"##0234QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&"
    b"DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;"
    b"a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N&&B541\r\n"
)
CIPHER = bytes.fromhex(
    "E43E159ACFAB242CB53155FB8B9281A1A242577ABFAED881BE88B72D69FC55ED1A80119FAAC8B3CD33D285CC76F57F2C"
    "A7F88B9573C6647E0F07E24609BD6B63EB20C5B9784F28E71D2F4994FF61D9E13B391A1D2A454B65388D5D9435DBF021"
    "528C7BF9755EF16518710C0CAC0ADEF9C5156CD0A5A17674AC0ED2ABC40023E9EF70128554B82438E91ADCE98A0D03A4"
)
START, END = PLAIN.index(b"DataTime"), PLAIN.index(b"g=N&&B541")
RAW = PLAIN[:START] + CIPHER + PLAIN[END:]
PRINTED = PLAIN[:START] + b"{" + b",".join(b"0x%02X" % byte for byte in CIPHER) + b"}" + PLAIN[END:]


def test_raw_cipher_of_the_standard() -> None:
    assert deciphered(RAW, KEYS) == PLAIN


def test_printed_cipher_of_the_standard() -> None:
    plain = deciphered(PRINTED, KEYS)
    assert len(plain) == len(PRINTED)
    assert plain.startswith(PLAIN)
    assert plain[len(PLAIN) :].strip() == b""


@pytest.mark.parametrize("keys", [{}, {MN: "31" * 16}, {"another": "30" * 16}])
def test_what_no_key_opens_stays(keys: dict[str, str]) -> None:
    for payload in (RAW, PRINTED, PLAIN):
        assert deciphered(payload, keys) == payload


def test_plain_frames_of_a_device_with_a_key_stay() -> None:
    assert deciphered(PLAIN * 2, KEYS) == PLAIN * 2


@pytest.mark.parametrize(("payload", "reason"), [(RAW, Reason.BAD_CRC), (PRINTED, Reason.BAD_LENGTH)])
def test_without_the_key_the_message_says_where_to_give_it(payload: bytes, reason: Reason) -> None:
    decoded = decode(payload, context())
    assert {rejection.reason for rejection in decoded.rejections} == {reason}
    assert "option sm4_keys" in decoded.rejections[0].detail


def test_encrypted_packets_are_decoded_between_plain_ones() -> None:
    plain = packet("a21026-Avg=35,a21026-Flag=N", mn=STACK, st="31", flag=";Flag=9", time="20260820080000")
    secret = _encrypted(packet("a21026-Avg=36,a21026-Flag=N", mn=STACK, st="31", flag=";Flag=9"))
    decoded = decode(plain + secret + plain, context(sm4_keys={STACK: "30" * 16}))
    assert decoded.rejections == ()
    assert decoded.observations["value"].tolist() == [35.0, 36.0, 35.0]


def test_key_is_checked() -> None:
    with pytest.raises(ValidationError, match="sm4_keys"):
        decode(RAW, context(sm4_keys={MN: "short"}))


@given(st.binary(max_size=80))
def test_any_content_goes_and_comes_back(content: bytes) -> None:
    plain = frame(b"ST=31;CN=2061;MN=%s;Flag=9;CP=&&%s&&" % (STACK.encode(), content))
    secret = _encrypted(plain)
    assert len(secret) == len(plain)
    if b"CP=&&" in content.upper() or secret == plain:
        return
    assert deciphered(secret, {STACK: "30" * 16}) == plain


def _encrypted(plain: bytes) -> bytes:
    """What a device with the key of the vectors sends: length and check value are those of the plain segment."""
    start, end = plain.upper().index(b"CP=&&") + 5, len(plain) - 8
    blocks = (end - start) // 16 * 16
    secret = Cipher(algorithms.SM4(b"0" * 16), modes.ECB()).encryptor().update(plain[start : start + blocks])
    assert int(plain[-6:-2], 16) == crc(plain[6:-6])
    return plain[:start] + secret + plain[start + blocks :]
