"""The mathematics, to be read from top to bottom, in this order:

activations · losses · initializers · network · dropout · backprop · objective · schedules ·
optimizers.

Beside them stand formula (what functions have in common), errors, data (the one check of what comes
in) and normal (Φ, for GELU).

NumPy is all that it needs.
"""
