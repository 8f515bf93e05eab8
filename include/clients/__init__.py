"""Clients: one service's wire each, and nothing of publishing."""
