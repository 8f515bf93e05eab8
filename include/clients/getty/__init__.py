"""Getty Images, API v3: search, licence by download, histories, orders, products, reports of use, asset changes."""

from include.clients.getty.client import AssetUsage, Getty, UsageReport
from include.clients.getty.notes import Note, note, notes_in
from include.clients.getty.wire import Credentials, Wire

__all__ = ["AssetUsage", "Credentials", "Getty", "Note", "UsageReport", "Wire", "note", "notes_in"]
