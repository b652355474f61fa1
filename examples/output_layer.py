"""Document 000: softmax, and ten Adam steps that print the document's losses.

python examples/output_layer.py
"""

import numpy as np

import flaxnn
from flaxnn import functional as F
from flaxnn import models, nn, optim
from flaxnn.functional import from_scratch

scores = np.array([1000, 1001, 1002])
print("from scratch:", from_scratch.stable_softmax(scores))
print("F.softmax:   ", F.softmax(scores.astype(np.float32), dim=0))
print("sigmoid:     ", F.sigmoid(scores.astype(np.float32)))

# The document has no seed; with this one PyTorch prints its figures.
generator = flaxnn.random.Generator(1043173585)
model = models.SimpleMultiClassModel(rngs=generator)
inputs = generator.randn(4, 5)
labels = np.array([0, 2, 1, 0])

run = flaxnn.fit(
    model,
    (inputs, labels),
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.adam(lr=0.01),
    steps=10,
)
printed = [1.2759089, 1.2387557, 1.2023336, 1.1666081, 1.1315937]
printed += [1.0973194, 1.0638109, 1.0310912, 0.9991797, 0.9680922]
for ours, theirs in zip(run.history["loss"], printed, strict=True):
    print(f"loss {ours:.7f}   document {theirs:.7f}")
assert np.abs(run.history["loss"] - printed).max() < 5e-7
