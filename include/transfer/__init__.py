"""Files to and from partners over SFTP, FTP and FTPS: whole, once, and in the partner's own way.

`include.transfer.publish.publish` sends, `include.transfer.fetch.fetch` takes.
"""

from include.transfer.model import Event, Failure, Fetched, Listed, Outgoing, Published, RemoteEntry, Step
from include.transfer.remote import Remote

__all__ = ["Event", "Failure", "Fetched", "Listed", "Outgoing", "Published", "Remote", "RemoteEntry", "Step"]
