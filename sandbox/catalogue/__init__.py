"""The catalogue of a make-believe publisher: about 200 titles by default, the same for the same seed and day."""

from sandbox.catalogue.catalogue import Catalogue, Tenant
from sandbox.catalogue.facts import Defect, Product, Work

__all__ = ["Catalogue", "Defect", "Product", "Tenant", "Work"]
