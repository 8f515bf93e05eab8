"""Which renderer a partner's feed asks for."""

from __future__ import annotations

from include.feeds.record import Renderer
from include.partners.model import House, Partner


def renderer_for(partner: Partner, house: House) -> Renderer:
    """A renderer in the partner's flavour. Only the format's own modules are imported: spreadsheets are heavy."""
    if partner.feed.format != "onix":
        from include.feeds.tabular import TabularRenderer

        return TabularRenderer(partner, house)
    if partner.feed.release == "2.1":
        from include.feeds.onix.release21 import Onix21Renderer

        return Onix21Renderer(partner, house)
    from include.feeds.onix.renderer import OnixRenderer

    return OnixRenderer(partner, house)
