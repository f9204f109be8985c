"""The page of products is the tables, and it is not stale."""

from console import sky_reference
from processing.imagery.products import product_table


def test_the_page_is_not_stale():
    assert sky_reference.PAGE.read_text(encoding="utf-8") == sky_reference.page()


def test_every_product_is_on_it():
    page = sky_reference.page()
    assert all(f"| `{name}` |" in page for name in product_table().index)
    assert "| 3078.9 | FNU |" in page
    assert page.count("Key and Benson") == 7
