"""The check value of HJ 212 (HJ 212-2017 appendix A, same in 2025), and those that loggers take for it.

It is *not* CRC-16/Modbus: the low byte of the register is thrown away before every byte, so that the state is eight
bits wide and only 256 check values exist. A frame is therefore never believed for its check value alone.
"""

import numpy as np
import numpy.typing as npt

POLYNOMIAL = 0xA001


def _eight_shifts(register: int) -> int:
    for _ in range(8):
        register = (register >> 1) ^ POLYNOMIAL if register & 1 else register >> 1
    return register


#: Register after eight shifts of each byte value.
TABLE: tuple[int, ...] = tuple(_eight_shifts(i) for i in range(256))


def crc(data: bytes) -> int:
    """The HJ 212 check value of the data segment, 0 to 0xFFFF; 0xFFFF when there are no bytes."""
    register = 0xFFFF
    for byte in data:
        register = TABLE[(register >> 8) ^ byte]
    return register


def framed(segment: bytes) -> bytes:
    """A data segment as a frame: mark, length, segment, check value, CR LF."""
    return b"##%04d%s%04X\r\n" % (len(segment), segment, crc(segment))


def modbus(data: bytes, register: int = 0xFFFF) -> int:
    """CRC-16/Modbus of the bytes (CRC-16/ARC when `register` starts at 0): what a wrong sender computes."""
    for byte in data:
        register = (register >> 8) ^ TABLE[(register ^ byte) & 0xFF]
    return register


def strides(count: int) -> npt.NDArray[np.uint8]:
    """Tables to step the 8-bit state `count` bytes at once, shape (count, 256).

    The step is linear over GF(2), so the state after bytes b0..bk is the exclusive or of row k at `state ^ b0`,
    row k-1 at b1, ..., row 0 at bk.
    """
    step = np.array([value >> 8 for value in TABLE], dtype=np.uint8)
    rows = [step]
    for _ in range(count - 1):
        rows.append(step[rows[-1]])
    return np.stack(rows)
