"""Skims: files of the events that pass, and of the columns that are kept."""
