# SPDX-License-Identifier: Apache-2.0
"""Samplers and transforms inside a run, beside PyTorch's loop over single images."""

from __future__ import annotations

import numpy as np
import pytest

import flaxnn
from flaxnn import data, evaluate, fit, metrics, nn, optim
from flaxnn.data import transforms
from flaxnn.random import Generator

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

STREAM = np.random.RandomState(3)
IMAGES = STREAM.randint(0, 256, (53, 1, 8, 8)).astype(np.uint8)
LABELS = STREAM.randint(0, 3, 53)
WEIGHTS = STREAM.rand(53)


class Augmented(torch.utils.data.Dataset):
    """Flip, crop with padding and normalise, drawn image by image."""

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, index):
        image = torch.from_numpy(IMAGES[index]).float().div(255).double()
        if torch.rand(1) < 0.5:
            image = image.flip(-1)
        image = torch.nn.functional.pad(image, [1, 1, 1, 1])
        top = torch.randint(0, 10 - 8 + 1, size=(1,)).item()
        left = torch.randint(0, 10 - 8 + 1, size=(1,)).item()
        image = image[..., top : top + 8, left : left + 8]
        return (image - 0.3) / 0.7, int(LABELS[index])


def torch_run():
    torch.manual_seed(5)
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Dropout(0.2), torch.nn.Linear(64, 3)
    ).double()
    model.load_state_dict({k: v.double() for k, v in model.state_dict().items()})
    sampler = torch.utils.data.WeightedRandomSampler(WEIGHTS, 40)
    loader = torch.utils.data.DataLoader(Augmented(), 16, sampler=sampler)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        for x, y in loader:
            loss = torch.nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    judged = [(model(x), y) for x, y in loader]
    outputs = torch.cat([o for o, _ in judged])
    right = (outputs.argmax(1) == torch.cat([y for _, y in judged])).double().mean()
    return losses, float(right), torch.get_rng_state().numpy()


def test_augmented_weighted_training_is_pytorchs():
    losses, right, state = torch_run()
    rngs = Generator(5)
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, 3, rngs=rngs))
    model = flaxnn.astype(model, "float64")
    loader = data.DataLoader(
        (IMAGES, LABELS),
        16,
        sampler=data.WeightedRandomSampler(WEIGHTS, 40),
        transform=transforms.Compose(
            [
                transforms.RandomHorizontalFlip(),
                transforms.RandomCrop(8, padding=1),
                transforms.Normalize((0.3,), (0.7,)),
            ]
        ),
        rngs=rngs,
    )
    run = fit(
        model,
        loader,
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=0.1),
        epochs=3,
    )
    np.testing.assert_allclose(run.history["loss"], losses, rtol=0, atol=1e-12)
    found = evaluate(run.model, loader, metrics=[metrics.accuracy])
    assert found["accuracy"] == right
    np.testing.assert_array_equal(rngs.get_state(), state)
