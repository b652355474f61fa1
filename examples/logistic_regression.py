"""Document 002: one neuron, univariate and multinomial regression, and the wine.

    python examples/logistic_regression.py

The wine needs scikit-learn: pip install "flaxnn[data]".
"""

import numpy as np

import flaxnn
from flaxnn import data, models, nn, optim
from flaxnn import functional as F
from flaxnn.data import documents

x, w, b = documents.neuron()
z = F.linear(x, w[None], b[None])
print(f"neuron: z = {float(z[0]):.4f}, sigmoid(z) = {float(F.sigmoid(z)[0]):.4f}")

# One seed for both models, drawn one after the other, as in the document.
generator = flaxnn.random.Generator(2025)
univariate = models.LogisticRegression(rngs=generator)
multinomial = models.SoftmaxRegression(4, 3, rngs=generator)

print(univariate, *univariate.parameters(), sep="\n")
run = flaxnn.fit(
    univariate,
    documents.univariate(),
    loss=nn.BCELoss(),
    optimizer=optim.sgd(lr=0.01),
    steps=1001,
)
for epoch in range(0, 1001, 100):
    print(f"Epoch: {epoch}/1000 Loss: {run.history['loss'][epoch]:.6f}")
probability = flaxnn.predict(run.model, documents.univariate_query())[0, 0]
print(f"x = 10: {probability:.4f}, class {int(probability >= 0.5)}")
assert abs(run.history["loss"][1000] - 0.308673) < 1.5e-6

run = flaxnn.fit(
    multinomial,
    documents.multinomial(),
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.sgd(lr=0.01),
    steps=10001,
)
for epoch in range(0, 10001, 1000):
    print(f"Epoch: {epoch}/10000 Loss: {run.history['loss'][epoch]:.6f}")
logits = flaxnn.predict(run.model, documents.multinomial_query())
print("probabilities:", np.asarray(nn.Softmax(1)(logits)), "class", logits.argmax())
assert abs(run.history["loss"][10000] - 0.345220) < 1.5e-6

try:
    features, cultivars = data.load("wine").arrays
except ImportError as error:
    raise SystemExit(f"no wine today: {error}") from None
x_train, x_test, y_train, y_test = data.train_test_split(
    features, cultivars, test_size=0.3, random_state=0
)
mean, std = x_train.mean(axis=0), x_train.std(axis=0)
run = flaxnn.fit(
    models.SoftmaxRegression(13, 3, rngs=flaxnn.random.Generator(2025)),
    ((x_train - mean) / std, y_train),
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.sgd(lr=0.01),
    steps=1001,
)
predicted = flaxnn.predict(run.model, (x_test - mean) / std).argmax(axis=1)
print(f"wine: test sample 0 is class {predicted[0]}, it is {y_test[0]};", end=" ")
print(f"{(predicted == y_test).sum()} of {len(y_test)} are right")
