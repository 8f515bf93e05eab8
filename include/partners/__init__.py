"""Partners as data: who they are, how to reach them, what they want. One file each in `config/partners/`."""

from include.partners.model import Feed, Partner, Transport
from include.partners.registry import load_house, load_partner, load_partners

__all__ = ["Feed", "Partner", "Transport", "load_house", "load_partner", "load_partners"]
