"""Preflight: is this file fit for what it is meant for? Findings have a code, a severity, a sentence; nothing is mended."""

from include.files.preflight.check import check, check_set
from include.files.preflight.codes import CODES, Code, finding, table
from include.files.preflight.expected import VERSION, Expected, acx, spine_mm

__all__ = ["CODES", "VERSION", "Code", "Expected", "acx", "check", "check_set", "finding", "spine_mm", "table"]
