# SPDX-License-Identifier: Apache-2.0
"""The usual mistakes, each recognised by the numbers that it gives."""
