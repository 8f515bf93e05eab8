"""Cloudinary's stand-in: upload, admin, search and delivery, as the real SDK meets them."""
