"""What rules state is kept once."""

from slimgui.engine.labels import Ties, Where


def test_the_same_ties_in_another_order_are_kept_once() -> None:
    ties = Ties()
    labels = ties.new((40, 50))

    ties.tie(labels, labels[:, :1])
    ties.tie(labels.T, labels[:, :1].T)  # after a transpose: the same pairs

    assert len(ties.pairs) == 1


def test_ties_of_other_labels_or_of_another_solution_are_kept() -> None:
    ties = Ties()
    labels, others = ties.new((40, 50)), ties.new((40, 50))
    other = labels.clone()
    other[7, 7] = others[0, 0]

    ties.tie(labels, labels[:, :1], Where.FINE)
    ties.tie(labels, labels[:, :1], Where.COARSE)
    ties.tie(other, labels[:, :1], Where.FINE)
    ties.tie(labels[:, :1], labels, Where.FINE)  # the other way round
    ties.tie(labels, labels[:1], Where.FINE)

    assert len(ties.pairs) == 5


def test_few_labels_are_not_looked_up() -> None:
    ties = Ties()
    labels = ties.new((10, 10))

    ties.tie(labels, labels[:1])
    ties.tie(labels, labels[:1])

    assert len(ties.pairs) == 2
