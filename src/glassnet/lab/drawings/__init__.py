"""Drawings: network, data and loss curve, and the look of the page."""
