"""Whole runs: epochs, batches, tiles, updates, validation, on one thread or several.

Two ways of summing a gradient, chosen by `plan.py` from the network and the batch alone:

slabs : for wide networks. Phase 1: each thread takes some of a slab's tiles from X to dL/dz.
    Phase 2: each thread takes some rows of every dL/dW, sums them over the slab's tiles in order,
    and updates these very rows while they are in its cache. Each weight is one ordered chain of
    sums, whoever computes it.
groups : for all others. Each group of samples has a gradient of its own, for a tiny network one
    for each lane; then each thread adds some of their numbers, group after group, and updates
    these. What threads hand to each other is gradients, not all that they are made of.

So the number of threads decides who computes a number, never how.
"""

from glassnet.engines.fused.driver.job import JOB as JOB
from glassnet.engines.fused.driver.meeting import STATUS as STATUS
from glassnet.engines.fused.driver.meeting import STOP as STOP
from glassnet.engines.fused.driver.validation import HELD_GROUPS as HELD_GROUPS
from glassnet.engines.fused.driver.writing import write_driver as write_driver
