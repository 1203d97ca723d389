"""CP-tool ports: one sub-package per tool."""
