"""A stand-in for Consonance: GraphQL and REST as far as public pages show them, over the sandbox's catalogue."""
