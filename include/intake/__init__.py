"""Files in: collected from inboxes, made safe, matched to titles, attached and recorded, each exactly once."""
