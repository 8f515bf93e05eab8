"""Consonance's wire: GraphQL (operations fitted to the tenant's schema) and REST v4, read only."""

from include.clients.consonance.client import Consonance
from include.clients.consonance.operations import Capability, capabilities

__all__ = ["Capability", "Consonance", "capabilities"]
