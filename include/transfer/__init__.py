"""Files to and from partners over SFTP, FTP and FTPS: whole, once, and in the partner's own way."""

from include.transfer.fetch import fetch
from include.transfer.model import Event, Failure, Fetched, Outgoing, Published, RemoteEntry, Step
from include.transfer.publish import publish
from include.transfer.remote import Remote

__all__ = ["Event", "Failure", "Fetched", "Outgoing", "Published", "Remote", "RemoteEntry", "Step", "fetch", "publish"]
