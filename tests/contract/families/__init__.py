# SPDX-License-Identifier: Apache-2.0
"""The tables: one file for each family of functions and modules."""
