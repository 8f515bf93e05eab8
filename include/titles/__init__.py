"""What a title is: works, products, and the identifiers of the trade."""
