"""The way that couples the members of a group."""

from slimgui.core.coupling import FAR, Coupling, coupling

# stem -> one -> two -> add <- stem; add -> head: stem and two write the same channels, add passes them on
STEM, ONE, TWO, ADD, HEAD = range(5)
EDGES = [(STEM, ONE), (ONE, TWO), (TWO, ADD), (STEM, ADD), (ADD, HEAD)]


def test_a_residual_group_is_joined_by_its_sum() -> None:
    found = coupling(EDGES, {STEM, ONE, TWO, ADD, HEAD}, {STEM, TWO, ADD})

    # one reads these channels and puts out others: what leaves it is not of this group
    assert found.edges == {(STEM, ONE), (STEM, ADD), (TWO, ADD), (ADD, HEAD)}
    assert found.between == frozenset()


def test_a_group_of_one_writer_and_one_reader_is_one_edge() -> None:
    found = coupling(EDGES, {ONE, TWO}, {ONE})

    assert found == Coupling(frozenset({ONE, TWO}), frozenset(), frozenset({(ONE, TWO)}))


def test_where_the_channels_are_hidden_the_shortest_way_joins_their_ends() -> None:
    chain = [(0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (6, 3)]  # 0 to 3: two layers between, or three

    found = coupling(chain, {0, 3}, {0})

    assert found.between == {1, 2}
    assert found.edges == {(0, 1), (1, 2), (2, 3)}


def test_three_members_without_a_common_edge_are_all_joined() -> None:
    found = coupling([(0, 1), (2, 1), (1, 3), (4, 3)], {0, 2, 4}, set())

    assert found.between == {1, 3}
    assert found.edges == {(0, 1), (2, 1), (1, 3), (4, 3)}


def test_members_out_of_reach_are_lit_without_a_way() -> None:
    long = [(n, n + 1) for n in range(FAR + 2)]

    assert coupling(long, {0, FAR + 2}, set()).edges == frozenset()
    assert coupling([], {3, 8}, {3}) == Coupling(frozenset({3, 8}))
