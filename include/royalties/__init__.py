"""Royalty statements: cut apart, matched to payee and recipient, delivered to nobody else."""
