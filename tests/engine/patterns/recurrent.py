"""Line 13: LSTM, GRU and their kin: gates x hidden."""

import torch
from engine.patterns.registry import add, features, image, net, tokens
from torch import nn


class Recurrent(nn.Module):
    """The last state, or the mean over time, into a linear layer."""

    def __init__(self, rnn, width, *, last=False):
        super().__init__()
        self.rnn, self.head, self.last = rnn, nn.Linear(width, 4), last

    def forward(self, x):
        y, _ = self.rnn(x)
        return self.head(y[:, -1] if self.last else y.mean(1))


def recurrent(name, build, note, target):
    add(13, name, build, features(5, 6), "exact", note=note, target=target)


recurrent(
    "Lstm", lambda: Recurrent(nn.LSTM(6, 8, batch_first=True), 8), "four gates", "rnn.weight_hh_l0:1",
)  # fmt: skip
recurrent(
    "LstmTwoLayers", lambda: Recurrent(nn.LSTM(6, 8, 2, batch_first=True), 8, last=True),
    "the first layer feeds the second", "rnn.weight_hh_l0:1",
)  # fmt: skip
recurrent(
    "LstmBidirectional", lambda: Recurrent(nn.LSTM(6, 8, bidirectional=True, batch_first=True), 16),
    "two directions share hidden_size, their outputs are joined", "rnn.weight_hh_l0:1",
)  # fmt: skip
recurrent(
    "LstmProjected", lambda: Recurrent(nn.LSTM(6, 8, proj_size=5, batch_first=True), 5),
    "proj_size: what leaves is a projection of the state", "rnn.weight_hh_l0:1",
)  # fmt: skip
recurrent(
    "Gru", lambda: Recurrent(nn.GRU(6, 8, batch_first=True, bias=False), 8), "three gates, no bias",
    "rnn.weight_hh_l0:1",
)  # fmt: skip
recurrent(
    "GruTwoBidirectional",
    lambda: Recurrent(nn.GRU(6, 8, 2, bidirectional=True, batch_first=True, dropout=0.1), 16), "",
    "rnn.weight_hh_l0:1",
)  # fmt: skip
recurrent(
    "RnnRelu", lambda: Recurrent(nn.RNN(6, 8, nonlinearity="relu", batch_first=True), 8), "one gate",
    "rnn.weight_hh_l0:1",
)  # fmt: skip


@net(13, tokens(), target="embed.weight:1")
class TaggerLstm(nn.Module):
    """Embedding -> LSTM -> linear at every step: cells and embedding width are separate groups."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 10)
        self.lstm = nn.LSTM(10, 8, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, ids):
        y, (h, _c) = self.lstm(self.embed(ids))
        return self.head(torch.relu(y)) + self.head(h[-1]).unsqueeze(1)


@net(13, features(5, 6), target="cell2.weight_hh:1")
class LstmCells(nn.Module):
    """Two cells unrolled by hand, from zeros."""

    def __init__(self):
        super().__init__()
        self.hidden = 8
        self.cell1, self.cell2 = nn.LSTMCell(6, 8), nn.LSTMCell(8, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        h1 = c1 = h2 = c2 = x.new_zeros(len(x), self.hidden)
        for step in x.unbind(1):
            h1, c1 = self.cell1(step, (h1, c1))
            h2, c2 = self.cell2(h1, (h2, c2))
        return self.head(h2)


@net(13, features(5, 6), target="gru.weight_hh_l0:1")
class GruFromZeros(nn.Module):
    """The first state is made by the user with literal sizes; time first."""

    def __init__(self):
        super().__init__()
        self.gru, self.head = nn.GRU(6, 8), nn.Linear(8, 4)

    def forward(self, x):
        state = torch.zeros(1, x.shape[0], 8)
        _y, state = self.gru(x.transpose(0, 1), state)
        return self.head(state.squeeze(0))


@net(13, image(3, 6), target="gates.weight:1")
class ConvLstm(nn.Module):
    """Gates by a convolution over input and state, then chunk(4)."""

    def __init__(self):
        super().__init__()
        self.hidden = 6
        self.stem = nn.Conv2d(3, 4, 1)
        self.gates = nn.Conv2d(4 + 6, 4 * 6, 3, padding=1)
        self.out = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        x = self.stem(x)
        h = c = torch.zeros(x.shape[0], self.hidden, *x.shape[2:])
        for _ in range(2):
            i, f, o, g = self.gates(torch.cat([x, h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.out(h)
