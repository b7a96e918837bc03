"""Lines 1 to 3: where channels go when data is moved about."""

import torch
import torch.nn.functional as F
from engine.patterns.registry import features, image, net
from torch import nn

# --- 1: NHWC permute + flatten + linear


@net(1, image())
class NhwcFlatten(nn.Module):
    """Channels are innermost when the linear layer reads them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 8 * 8, 5)

    def forward(self, x):
        x = F.relu(self.conv(x)).permute(0, 2, 3, 1)
        return self.fc(x.reshape(x.shape[0], -1))


@net(1, image())
class NchwFlatten(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, stride=2)
        self.bn = nn.BatchNorm2d(8)
        self.fc1 = nn.Linear(8 * 4 * 4, 12)
        self.fc2 = nn.Linear(12, 5)

    def forward(self, x):
        x = torch.flatten(F.relu(self.bn(self.conv(x))), 1)
        return self.fc2(F.relu(self.fc1(x)))


@net(1, image())
class MiddleFlatten(nn.Module):
    """Channels lie between rows and columns."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.fc = nn.Linear(8 * 4 * 4, 5)

    def forward(self, x):
        return self.fc(F.gelu(self.conv(x)).transpose(1, 2).flatten(1))


@net(1, image(), "exact", target="stem.weight", also=image(3, 12))
class NhwcMlp(nn.Module):
    """Linear layers on channels-last data, back to channels-first, residual."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        x = self.stem(x)
        y = self.down(F.gelu(self.up(x.permute(0, 2, 3, 1))))
        return self.head(x + y.permute(0, 3, 1, 2))


@net(1, image(), "inexact", target="norm.weight")
class ConvNextBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 2, stride=2)
        self.dw = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.LayerNorm(8, eps=1e-6)
        self.pw1, self.pw2 = nn.Linear(8, 32), nn.Linear(32, 8)
        self.gamma = nn.Parameter(1e-6 * torch.ones(8))
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        y = self.dw(x).permute(0, 2, 3, 1)
        y = self.gamma * self.pw2(F.gelu(self.pw1(self.norm(y))))
        x = x + y.permute(0, 3, 1, 2)
        return self.head(x.mean((-2, -1)))


@net(1, image())
class TokensFlatten(nn.Module):
    """(B, C, H, W) -> tokens -> one long vector, sizes read from the data."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 2, stride=2)
        self.mix = nn.Linear(8, 6)
        self.fc = nn.Linear(16 * 6, 5)

    def forward(self, x):
        x = self.conv(x)
        B, C, H, W = x.shape
        x = self.mix(x.view(B, C, H * W).permute(0, 2, 1))
        return self.fc(x.reshape(B, -1))


@net(1, image(), also=image(3, 12))
class NhwcPool(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.conv(x).movedim(1, -1)
        return self.fc(F.silu(x).amax(dim=(1, 2)))


@net(1, lambda batch: (torch.randn(batch, 8, 8, 3),))
class NhwcInput(nn.Module):
    """The input is channels-last; two flattened branches meet in one linear layer."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 6, 2, stride=2), nn.Conv2d(3, 4, 4, stride=4)
        self.fc = nn.Linear(6 * 16 + 4 * 4, 5)

    def forward(self, x):
        x = torch.einsum("bhwc->bchw", x)
        a = self.a(x).permute(0, 2, 3, 1).flatten(1)
        return self.fc(torch.cat((a, self.b(x).flatten(1)), -1).tanh())


# --- 2: shuffles, flips, rolls, picked channels


def channel_shuffle(x, groups):
    b, c, h, w = x.size()
    x = x.view(b, groups, c // groups, h, w)
    return torch.transpose(x, 1, 2).contiguous().view(b, -1, h, w)


@net(2, image(), "exact", target="conv1.weight", also=image(3, 12))
class ShuffleByView(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 8, 3, padding=1)
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        return self.head(F.relu(self.conv2(channel_shuffle(F.relu(self.conv1(x)), 3))))


@net(2, image(), "exact", target="conv1.weight", also=image(3, 12))
class ShuffleModule(nn.Module):
    """nn.ChannelShuffle between grouped convolutions."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 12, 1)
        self.conv2 = nn.Conv2d(12, 12, 3, padding=1, groups=2)
        self.shuffle = nn.ChannelShuffle(2)
        self.conv3 = nn.Conv2d(12, 12, 1, groups=2)
        self.head = nn.Conv2d(12, 4, 1)

    def forward(self, x):
        return self.head(F.relu(self.conv3(self.shuffle(F.relu(self.conv2(self.conv1(x)))))))


@net(2, image())
class FlippedChannels(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 5, 3)

    def forward(self, x):
        return self.conv2(F.relu(self.conv1(x)).flip(1))


@net(2, image())
class FlipJoined(nn.Module):
    """A tensor and its mirror in one concat."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(16, 5, 1)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        return self.conv2(torch.cat([x, torch.flip(x, dims=(1,))], dim=1))


@net(2, image(), "any")
class RolledChannels(nn.Module):
    """After a cut the roll has to move by another number."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 5, 1)
        self.other = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return self.conv2(torch.roll(self.conv1(x), 2, dims=1).relu() * self.other(x))


@net(2, image(), "any")
class PermutedByBuffer(nn.Module):
    """x[:, perm] with a stored permutation."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 5, 1)
        self.register_buffer("perm", torch.tensor([3, 1, 7, 0, 5, 2, 6, 4]))

    def forward(self, x):
        return self.conv2(F.relu(self.conv1(x))[:, self.perm])


@net(2, image(), "any")
class IndexSelected(nn.Module):
    """Only some channels are read on."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(4, 5, 1)
        self.mid, self.out = nn.Conv2d(5, 6, 1), nn.Conv2d(6, 3, 1)

    def forward(self, x):
        x = torch.index_select(self.conv1(x), 1, torch.tensor([6, 0, 3, 2]))
        return self.out(F.relu(self.mid(self.conv2(x))))


@net(2, image(), "exact", target="conv.weight")
class StridedSlices(nn.Module):
    """Even and odd channels go two ways."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3)
        self.even, self.odd = nn.Conv2d(6, 5, 1), nn.Conv2d(6, 5, 1)
        self.out = nn.Conv2d(5, 3, 1)

    def forward(self, x):
        x = F.relu(self.conv(x))
        return self.out(F.relu(self.even(x[:, ::2]) + self.odd(x[:, 1::2])))


@net(2, image(), "exact", target="stem.weight", also=image(3, 12))
class ShuffleNetUnit(nn.Module):
    """chunk, one half through convolutions, concat, shuffle."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, padding=1)
        self.branch = nn.Sequential(
            nn.Conv2d(6, 6, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
            nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False), nn.BatchNorm2d(6),
            nn.Conv2d(6, 6, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        a, b = self.stem(x).chunk(2, dim=1)
        x = channel_shuffle(torch.cat((a, self.branch(b)), dim=1), 2)
        return self.head(x.mean([2, 3]))


# --- 3: space into channels and back


@net(3, image(), "exact", target="conv1.weight", also=image(3, 12))
class PixelShuffled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 24, 3, padding=1)
        self.up = nn.PixelShuffle(2)
        self.conv2 = nn.Conv2d(6, 8, 3, padding=1)
        self.conv3 = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        return self.conv3(F.relu(self.conv2(self.up(self.conv1(x)))))


@net(3, image(), "exact", target="conv1.weight")
class PixelUnshuffled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(24, 8, 1)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        return self.head(self.conv2(F.pixel_unshuffle(x, 2)).mean((2, 3)))


@net(3, image(), "exact", target="conv.weight")
class UnfoldLinear(nn.Module):
    """im2col by hand: the linear layer reads (channel, row, column)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 1)
        self.fc1, self.fc2 = nn.Linear(6 * 9, 8), nn.Linear(8, 4)

    def forward(self, x):
        patches = F.unfold(self.conv(x), kernel_size=3, padding=1)
        return self.fc2(F.relu(self.fc1(patches.transpose(1, 2)))).mean(1)


@net(3, image(), also=image(3, 12))
class UnfoldFold(nn.Module):
    """Fold sums overlapping patches back into channels."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 1), nn.Conv2d(6, 4, 1)

    def forward(self, x):
        h, w = x.shape[-2:]
        patches = F.unfold(F.relu(self.conv1(x)), 2, stride=2) * 0.5
        return self.conv2(F.fold(patches, (h, w), 2, stride=2))


@net(3, image(), "exact", target="conv1.weight", also=image(3, 12))
class FocusSlices(nn.Module):
    """Space to depth by strided slices and concat."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 1), nn.Conv2d(24, 8, 3)
        self.out = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        x = self.conv1(x)
        x = torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)
        return self.out(F.silu(self.conv2(x)))


@net(3, image(), "exact", target="conv1.weight", also=image(3, 12))
class SpaceToDepthByView(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(24, 5, 1)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        b, c, h, w = x.shape
        x = x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).contiguous()
        return self.conv2(x.view(b, c * 4, h // 2, w // 2))


@net(3, image(), "inexact", target="norm.weight")
class PatchMerging(nn.Module):
    """Four neighbours side by side, one norm over all of them."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 6, 2, stride=2)
        self.norm = nn.LayerNorm(24)
        self.reduction = nn.Linear(24, 12, bias=False)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        x = self.embed(x).permute(0, 2, 3, 1)
        x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
        return self.head(self.reduction(self.norm(x)).flatten(1, 2).mean(1))


@net(3, features(16, 12), "exact", target="up.weight")
class TokensToPatches(nn.Module):
    """Neighbouring tokens are merged by a reshape alone."""

    def __init__(self):
        super().__init__()
        self.up, self.merge, self.head = nn.Linear(12, 8), nn.Linear(32, 10), nn.Linear(10, 4)

    def forward(self, x):
        x = F.gelu(self.up(x))
        b, n, c = x.shape
        return self.head(F.gelu(self.merge(x.reshape(b, n // 4, 4 * c)))).sum(1)


@net(3, image())
class SlidingWindows(nn.Module):
    """Tensor.unfold, windows moved next to the channels."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 6, 1), nn.Linear(6 * 4, 5)

    def forward(self, x):
        x = F.relu(self.conv(x)).unfold(2, 2, 2).unfold(3, 2, 2)
        x = x.permute(0, 2, 3, 1, 4, 5)
        return self.fc(x.flatten(3)).amax((1, 2))


@net(2, image(), target="conv.weight")
class PooledChannelsLast(nn.Module):
    """Pooling to one point keeps the memory format by giving the point other strides."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 10, 3), nn.Linear(10, 4)

    def forward(self, x):
        x = self.conv(x).to(memory_format=torch.channels_last)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))
