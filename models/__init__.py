"""Models and what they answer; MLflow, where it is imported at all, is kept quiet and to itself, and threads wait without spinning."""

import os

_MLFLOW = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}
# MLflow reads these while it is imported, and every importer of it in leadheat is a module of this package.
for _name, _value in _MLFLOW.items():
    os.environ.setdefault(_name, _value)

# LightGBM's threads wait for each other thousands of times; in a busy loop that is ten times the work where others compute too.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
