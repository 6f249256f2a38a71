"""hepwatch: risk-adapted surveillance after hepatectomy for hepatocellular carcinoma."""

__version__ = "0.1.0"
