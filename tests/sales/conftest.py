"""As in `load`: ledgers are upgraded once and copied."""

from tests.sales.load.conftest import ledger, upgraded

__all__ = ["ledger", "upgraded"]
