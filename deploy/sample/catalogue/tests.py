from django.test import TestCase, override_settings

from .models import Order

STORAGES = {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@override_settings(STORAGES=STORAGES, ALLOWED_HOSTS=["testserver"])
class ShopTest(TestCase):
    def test_every_product_has_a_page(self):
        self.assertContains(self.client.get("/"), "Brass compass")
        self.assertContains(self.client.get("/products/brass-compass/"), "129.00")
        self.assertEqual(self.client.get("/products/gold-anchor/").status_code, 404)

    def test_an_order_empties_the_cart(self):
        self.client.post("/cart/add/enamel-mug/")
        self.client.post("/cart/add/enamel-mug/")
        self.assertContains(self.client.get("/cart/"), "25.80")
        page = self.client.post("/orders/", follow=True)
        self.assertContains(page, "2 × Enamel mug")
        self.assertEqual(Order.objects.get().lines, "2 × Enamel mug")
        self.assertContains(self.client.get("/cart/"), "Nothing here yet")

    def test_the_shop_is_healthy(self):
        self.assertEqual(self.client.get("/health").content, b"ok\n")
