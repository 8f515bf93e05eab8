"""ONIX for Books: titles as EDItEUR's messages, releases 2.1, 3.0 and 3.1."""

from include.feeds.onix.renderer import OnixRenderer

__all__ = ["OnixRenderer"]
