"""What the shop sells: a fixture, read once."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True)
class Product:
    slug: str
    name: str
    price: Decimal
    hue: int
    summary: str
    description: str


def load():
    """The products by slug, in the order they are shown."""
    rows = json.loads(Path(__file__).with_name("products.json").read_text())
    products = (Product(**{**row, "price": Decimal(row["price"])}) for row in rows)
    return {product.slug: product for product in products}


PRODUCTS = load()
