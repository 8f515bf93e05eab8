"""The catalogue mirror: Consonance's works and products in the ledger, kept equal and read by every feed."""
