"""AWS IAM: policies of all kinds against a request, as the enforcement code of AWS decides.

Policies  JSON policy documents; the kind stands before the first colon of the name: `identity:`, `boundary:`,
          `session:`, `resource:` (trust and key policies too), `scp:`, `rcp:`; without one it is an identity policy.
          `none:KIND` says that there is no policy of this kind.
Decides   `deny` where a statement denies or nothing that must allow does; `permit` where all that must allow does and
          nothing can deny; else what is missing is named.
Not seen  VPC endpoint policies, access control lists, dependent actions, whatever services check beside policies.
Source    IAM user guide, "Policy evaluation logic", "IAM JSON policy element reference".
"""

from __future__ import annotations

from quowarranto.replay.iam.decide import evaluate
from quowarranto.replay.iam.recorded import request_of, request_of_action

__all__ = ["evaluate", "request_of", "request_of_action"]
