"""What the ops choose from."""

CHANNELS = (4, 6, 8, 12, 16)
YES_NO = (False, True)
MOST = 64


def spatial(size: int, kernel: int, stride: int, padding: int) -> int:
    """The length that a convolution leaves of `size`."""
    return (size + 2 * padding - kernel) // stride + 1
