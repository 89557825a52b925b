"""Orders and payments: what the functions share."""

import gc

# By default Python looks for garbage whenever 700 objects are new: a hundred times while a function starts, when all of
# them stay. What a request leaves goes by the count of its references, without a search (FR-715).
gc.set_threshold(10_000)
