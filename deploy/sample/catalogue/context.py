"""What every page shows."""

from django.conf import settings

from .cart import Cart


def everywhere(request):
    return {"cart": Cart(request.session), "release": settings.RELEASE}
