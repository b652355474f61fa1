"""Document 004: the model, its printed weights, and its training.

    python examples/neural_network.py

It trains where the Fashion-MNIST files are found: set FLAXNN_DATA_DIR to the folder
that holds fashion_mnist/.
"""

import numpy as np

import flaxnn
from flaxnn import data, metrics, models, nn, optim

device = flaxnn.device("auto")
print(f"Using {device.platform} device")

# The document has no seed; with this one PyTorch draws the weights that it prints.
generator = flaxnn.random.Generator(866285315)
model = models.NeuralNetwork(rngs=generator)
print("Model structure:", model)
for name, parameter in model.named_parameters():
    print(f"Layer: {name} | Size: {parameter.shape} | Values: {parameter[:2]}")
bias = np.asarray(model.state_dict()["linear_relu_stack.0.bias"])
assert f"{bias[0]:.4e} {bias[511]:.4e}" == "-3.3893e-02 -3.2711e-02"

image = generator.rand(1, 28, 28)
probabilities = nn.Softmax(dim=1)(model(image))
print("Predicted class:", probabilities.argmax(1))

try:
    train, test = (data.load("fashion_mnist", split) for split in ("train", "test"))
except (FileNotFoundError, ValueError) as error:
    raise SystemExit(f"not trained:\n{error}") from None

# The ReLU on the logits, as the document prints it, stops gradients; train without.
generator = flaxnn.random.Generator(866285315)
run = flaxnn.fit(
    models.NeuralNetwork(final_relu=False, rngs=generator),
    data.DataLoader(train, 64, shuffle=True, rngs=generator),
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.adam(lr=1e-3),
    epochs=2,
)
print(flaxnn.evaluate(run.model, test.arrays, metrics=[metrics.accuracy]))
