"""Getty Images' stand-in: tokens, search, images, downloads with an allowance, histories, orders, reports of use, asset changes."""
