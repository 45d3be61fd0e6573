"""Reserved-instance coverage and utilization across the linked accounts of one AWS bill."""

__version__ = "0.1.0"
