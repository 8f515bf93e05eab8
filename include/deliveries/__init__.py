"""Deliveries: what a partner is due, built once, sent once, answered for."""
