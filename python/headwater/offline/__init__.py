"""Training sets without a workspace: definitions, label rows and frames in, features out.

Pure: no clock, no file, no state. The same kernel as everywhere gives the values.
"""

from headwater.offline.frames import point_in_time

__all__ = ["point_in_time"]
