"""Metadata feeds: titles in, messages out, in the flavour that each partner asked for."""
