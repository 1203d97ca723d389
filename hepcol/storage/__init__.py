"""Files on servers: root://, s3://, https:// and http://; what a server says, who may read, and how little is asked.

What is at other URLs is left to fsspec, as uproot does.
"""
