# SPDX-License-Identifier: Apache-2.0
"""Ports with one planted fault each, and correct ones, of five PyTorch runs.

`runs` trains in PyTorch and records; `ports` does the same in flaxnn and in Flax with
optax; `mistakes` has layers, losses and optimisers that are wrong; `faults` puts each
mistake into a port and says where it is to be found; `runner` counts.
"""
