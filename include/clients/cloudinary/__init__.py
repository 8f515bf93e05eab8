"""Cloudinary: what an image library knows of covers, and how to change it."""

from include.clients.cloudinary.account import Account
from include.clients.cloudinary.client import Cloudinary, exact
from include.clients.cloudinary.errors import AllowanceUsedUp, AlreadyExists, NotFound
from include.clients.cloudinary.model import Access, Asset, Derived, Field, Moderation, Placed, Usage, Version

__all__ = [
    "Access",
    "Account",
    "AllowanceUsedUp",
    "AlreadyExists",
    "Asset",
    "Cloudinary",
    "Derived",
    "Field",
    "Moderation",
    "NotFound",
    "Placed",
    "Usage",
    "Version",
    "exact",
]
