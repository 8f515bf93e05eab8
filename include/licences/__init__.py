"""Licences of images: what was licensed, under which terms, until when, and who must act."""
