"""The ledger: what Colophon mirrors, made, sent, was told and decided. One database, append-only where it counts."""
