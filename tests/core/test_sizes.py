"""Sizes and products in closed form, against numbers derived by hand."""

from __future__ import annotations

import random

from slimgui.core.sizes import Product, Size, total

COUNTS = {"a": 3, "b": 5, "heads": 4, "width": 8}


def test_a_fixed_size_needs_no_counts() -> None:
    assert Size(7).at({}) == 7
    assert Size(7).groups() == frozenset()


def test_a_size_is_the_sum_of_its_terms() -> None:
    size = Size(2, ((1, ("a",)), (4, ("b",))))
    assert size.at(COUNTS) == 25  # 2 + 3 + 4 * 5
    assert size.groups() == {"a", "b"}


def test_a_term_of_two_groups_is_their_product() -> None:
    assert Size(1, ((3, ("heads", "width")),)).at(COUNTS) == 97  # 1 + 3 * 4 * 8


def test_a_group_may_stand_in_a_term_twice() -> None:
    assert Size(0, ((1, ("a", "a")),)).at(COUNTS) == 9  # a Gram matrix


def test_a_product_multiplies_scale_and_sizes() -> None:
    product = Product("conv", 9, (Size(0, ((1, ("a",)),)), Size(1, ((1, ("b",)),))))
    assert product.at(COUNTS) == 162  # 9 * 3 * (1 + 5)
    assert product.groups() == {"a", "b"}
    assert Product("bias", 4, ()).at({}) == 4


def test_total_is_the_sum_of_the_products() -> None:
    rng = random.Random(0)
    names = list(COUNTS)

    def size() -> Size:
        return Size(rng.randrange(4), tuple((rng.randrange(1, 4), (rng.choice(names),)) for _ in range(2)))

    products = [
        Product("x", rng.randrange(1, 9), tuple(size() for _ in range(rng.randrange(3)))) for _ in range(50)
    ]
    assert total(products, COUNTS) == sum(product.at(COUNTS) for product in products)
    assert total([], COUNTS) == 0


def test_large_numbers_stay_exact() -> None:
    product = Product("x", 10**9, (Size(0, ((1, ("n",)),)), Size(0, ((1, ("n",)),))))
    assert product.at({"n": 10**6 + 1}) == 10**9 * (10**6 + 1) ** 2
