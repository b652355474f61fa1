"""Document 003: logits to probabilities, for one vector and for a batch.

python examples/batched_softmax.py
"""

import numpy as np

import flaxnn
from flaxnn import functional as F
from flaxnn.functional import from_scratch

BATCH_SIZE, N_CLASSES = 4, 7
generator = flaxnn.random.Generator(0)

logits = generator.rand(10)
probabilities = from_scratch.softmax(logits)
print(probabilities, "sum", probabilities.sum())
assert np.allclose(probabilities, F.softmax(logits, dim=0), atol=1e-7)

batch = generator.rand(BATCH_SIZE, N_CLASSES)
probabilities = from_scratch.softmax_rows(batch)
print(probabilities, "sums", probabilities.sum(axis=1), sep="\n")
assert np.allclose(probabilities, F.softmax(batch, dim=1), atol=1e-7)
