from django.db import models


class Order(models.Model):
    """An order as it was placed; its lines are kept as text, since prices change."""

    placed_at = models.DateTimeField(auto_now_add=True)
    lines = models.TextField()
    total = models.DecimalField(max_digits=10, decimal_places=2)
