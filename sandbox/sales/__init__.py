"""Reports of sales and usage as shops, distributors and platforms send them, with what they truly come to."""

from sandbox.sales.make import LAYOUTS, folder_of, make

__all__ = ["LAYOUTS", "folder_of", "make"]
