"""The cart: how many of what, kept in the session."""

from dataclasses import dataclass
from decimal import Decimal

from .products import PRODUCTS, Product

KEY = "cart"
MOST = 20


@dataclass(frozen=True)
class Line:
    product: Product
    count: int

    @property
    def total(self) -> Decimal:
        return self.product.price * self.count


class Cart:
    """The cart of one visitor. What is no longer sold has no line."""

    def __init__(self, session):
        self.session = session
        self.counts = dict(session.get(KEY, {}))

    def add(self, slug):
        self.counts[slug] = min(self.counts.get(slug, 0) + 1, MOST)
        self._save()

    def remove(self, slug):
        self.counts.pop(slug, None)
        self._save()

    def clear(self):
        self.counts = {}
        self._save()

    @property
    def lines(self):
        return [Line(PRODUCTS[slug], count) for slug, count in self.counts.items() if slug in PRODUCTS]

    @property
    def count(self):
        return sum(line.count for line in self.lines)

    @property
    def total(self):
        return sum((line.total for line in self.lines), Decimal())

    def _save(self):
        self.session[KEY] = self.counts
