"""Sheets of titles: read by a mapping, checked row by row, compared with the mirror, applied, answered."""
