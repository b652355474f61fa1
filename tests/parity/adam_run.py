# SPDX-License-Identifier: Apache-2.0
"""A small run of PyTorch's, in a file that another process imports without JAX."""

import numpy as np
import torch

# Whole batches only: a short last one would be one more program to compile.
SEED, ROWS, LR = 7, 24, 0.01


def arrays():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 6)).astype(np.float32)
    return x, rng.integers(0, 3, ROWS)


def torch_net():
    return torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
    )


def train(variant):
    """Three epochs of Adam, as PyTorch's users write them."""
    torch.manual_seed(SEED)
    model = variant.start(torch_net())
    x, y = map(torch.from_numpy, arrays())
    dataset = torch.utils.data.TensorDataset(x.to(variant.dtype), y)
    loader = torch.utils.data.DataLoader(dataset, 4, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    losses = []
    for _ in range(3):
        for inputs, labels in loader:
            loss = torch.nn.functional.cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if variant.stop(losses):
                return losses
    return losses
