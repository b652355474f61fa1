"""Document 001: activations from scratch, the errors, and outputs as targets.

python examples/activations_and_errors.py
"""

import numpy as np

import flaxnn
from flaxnn import functional as F
from flaxnn import models, nn, optim
from flaxnn.functional import from_scratch

print("softmax([10, 11, 12]) =", from_scratch.softmax(np.array([10, 11, 12])))
large = np.array([1000, 1001, 1002])
with np.errstate(all="ignore"):
    print("softmax overflows to  ", from_scratch.softmax(large))
print("stable_softmax gives  ", from_scratch.stable_softmax(large))

x = np.linspace(-3, 3, 7, dtype=np.float32)
for name in ("sigmoid", "relu", "leaky_relu", "tanh", "elu", "binary_step"):
    ours, formula = getattr(F, name)(x), getattr(from_scratch, name)(x)
    assert np.allclose(ours, formula, rtol=1e-6, atol=1e-7)
    print(f"{name:12s}", np.round(np.asarray(ours), 4))

for attempt in (
    lambda: F.softmax(large, dim=0),
    lambda: nn.Softmax(dim=1)(large.astype(np.float32)),
):
    try:
        attempt()
    except (NotImplementedError, IndexError) as error:
        print(f"{type(error).__name__}: {error}")

generator = flaxnn.random.Generator(0)
model = models.SimpleMultiClassModel(rngs=generator)
inputs, labels = generator.randn(4, 5), np.array([0, 2, 1, 0])
run = flaxnn.fit(
    model,
    (inputs, labels),
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.adam(lr=0.01),
    steps=10,
)
print("losses:", np.round(run.history["loss"], 4))

# The document's last cell feeds the raw outputs as class probabilities.
outputs = run.model(inputs)
print("criterion(outputs, outputs) =", F.cross_entropy(outputs, outputs))
