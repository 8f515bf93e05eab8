"""One file: is it safe, what is it, what does it say of itself, is it fit for its purpose? Knows neither ledger nor partner."""
