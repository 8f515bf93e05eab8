"""Royalty statements as a royalties department exports them, well and badly, the same bytes every time."""
