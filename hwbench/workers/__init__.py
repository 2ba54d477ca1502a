"""Units of work in processes of this machine: any of them may die, and none outlives the driver.

`hwbench.workers.pool` is what engines use; `hwbench.workers.process` is the program of a worker.
"""
