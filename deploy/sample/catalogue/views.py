"""The pages of the shop."""

from django.contrib import messages
from django.db import DatabaseError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from .cart import Cart
from .models import Order
from .products import PRODUCTS


def find(slug):
    if slug not in PRODUCTS:
        raise Http404("no such product")
    return PRODUCTS[slug]


@require_GET
def products(request):
    return render(request, "products.html", {"products": PRODUCTS.values()})


@require_GET
def product(request, slug):
    return render(request, "product.html", {"product": find(slug)})


@require_GET
def cart(request):
    return render(request, "cart.html")


@require_POST
def add(request, slug):
    chosen = find(slug)
    Cart(request.session).add(slug)
    messages.success(request, f"{chosen.name} is in your cart.")
    return redirect("cart")


@require_POST
def remove(request, slug):
    Cart(request.session).remove(slug)
    return redirect("cart")


@require_POST
def order(request):
    cart = Cart(request.session)
    if not cart.lines:
        return redirect("cart")
    lines = "\n".join(f"{line.count} × {line.product.name}" for line in cart.lines)
    try:
        placed = Order.objects.create(lines=lines, total=cart.total)
    except DatabaseError:
        messages.error(request, "The order book is closed right now. Your cart is kept.")
        return redirect("cart")
    cart.clear()
    return redirect("placed", number=placed.pk)


@require_GET
def placed(request, number):
    return render(request, "placed.html", {"order": get_object_or_404(Order, pk=number)})


@require_GET
def health(request):
    return HttpResponse("ok\n", content_type="text/plain")
