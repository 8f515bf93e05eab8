"""Metadata feeds: titles in, messages out, in the flavour that each partner asked for."""

from include.feeds.record import Header, MessageWriter, Reason, Record, Renderer
from include.feeds.renderers import renderer_for

__all__ = ["Header", "MessageWriter", "Reason", "Record", "Renderer", "renderer_for"]
