"""Old archives: walked in shards, brought over, reconciled."""
