"""Every address of the shop."""

from django.urls import path

from catalogue import views

urlpatterns = [
    path("", views.products, name="products"),
    path("products/<slug:slug>/", views.product, name="product"),
    path("cart/", views.cart, name="cart"),
    path("cart/add/<slug:slug>/", views.add, name="add"),
    path("cart/remove/<slug:slug>/", views.remove, name="remove"),
    path("orders/", views.order, name="order"),
    path("orders/<int:number>/", views.placed, name="placed"),
    path("health", views.health, name="health"),
]
