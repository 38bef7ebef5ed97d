"""Monitoring: what the score log says once outcomes have matured."""

from training.monitoring.monitor import monitor, monitor_log, monitor_rescored, rescore, scorers_of
from training.monitoring.report import Alert, Monitoring

__all__ = ["Alert", "Monitoring", "monitor", "monitor_log", "monitor_rescored", "rescore", "scorers_of"]
