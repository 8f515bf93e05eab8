"""Sales and usage: reports by layout, canonical lines, batches that balance, and what goes on to Consonance and to rights."""
