"""Monitoring: what the score log says once outcomes have matured."""

from training.monitoring.report import Alert, Monitoring

__all__ = ["Alert", "Monitoring"]
