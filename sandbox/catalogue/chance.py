"""Chance that is always the same: everything hangs on (seed, what, id), so any one title can be made alone."""

from __future__ import annotations

from random import Random

from stdnum import ean
from stdnum.iso7064 import mod_11_2

_MASK = (1 << 64) - 1
ISBN_978 = 978_191_500_000  # 978-1-915…: registrant element of six digits
ISBN_979 = 979_885_000_000  # 979-8-850…


def mix(*parts: int) -> int:
    """64 bits out of some numbers (the finaliser of splitmix64, chained)."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (state ^ (part & _MASK)) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 30) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def dice(*parts: int) -> Random:
    return Random(mix(*parts))


def isbn13(number: int, *, new_prefix: bool = False) -> str:
    """The ISBN of the publisher's `number`-th product, in 978 or (with `new_prefix`) in 979."""
    body = str((ISBN_979 if new_prefix else ISBN_978) + number)
    return body + str(ean.calc_check_digit(body))


def isni(number: int) -> str:
    body = f"{120_000_000_000 + number * 7919:015d}"
    return body + str(mod_11_2.calc_check_digit(body))


def issn(number: int) -> str:
    body = f"{2_050_000 + number * 37:07d}"
    total = sum((8 - place) * int(digit) for place, digit in enumerate(body))
    check = (11 - total % 11) % 11
    return f"{body[:4]}-{body[4:]}{'X' if check == 10 else check}"
