"""What is measured, and the RDataFrame reference that it is measured against."""
