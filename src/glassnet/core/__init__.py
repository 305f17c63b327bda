"""The mathematics, to be read from top to bottom, in this order:

activations · losses · initializers · network · backprop · objective · schedules · optimizers.

NumPy is all that it needs.
"""
