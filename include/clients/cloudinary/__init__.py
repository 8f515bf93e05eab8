"""Cloudinary: what an image library knows of covers, and how a picture is brought there."""

from include.clients.cloudinary.account import Account
from include.clients.cloudinary.client import Cloudinary
from include.clients.cloudinary.errors import AllowanceUsedUp, AlreadyExists, NotFound
from include.clients.cloudinary.model import Access, Asset, Field, Moderation, Placed

__all__ = ["Access", "Account", "AllowanceUsedUp", "AlreadyExists", "Asset", "Cloudinary", "Field", "Moderation", "NotFound", "Placed"]
