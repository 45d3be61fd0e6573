"""c7n-org, which runs policies over many accounts, from its public package in build/c7n.

It is given one policy, which lists the running EC2 instances of every account and region:

    c7n-org run -c accounts.yml -u policy.yml -s FOLDER --cache-period 0 -r us-east-1 ...

Without the cache, every run asks AWS. All other settings are its own defaults: it works in four
processes per processor, and writes what it found as JSON.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ri_report.sandbox.regions import EVERY_REGION
from tests.benchmarks.processes import Cost, cost_of
from tests.benchmarks.served import REGIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACE = Path("build/c7n")
# The newest that fit each other; c7n does not take every version of boto3.
PACKAGES = (
    "c7n-org==0.6.52",
    "c7n==0.9.53",
    "boto3==1.43.103",
    "botocore==1.43.127",
    "urllib3==2.8.0",
)
FOUND = re.compile(r"'running-instances': (\d+)")
POLICY = """\
policies:
  - name: running-instances
    resource: aws.ec2
    query:
      - instance-state-name: running
"""
ACCOUNT = """\
  - account_id: '{0}'
    name: account-{0}
    role: arn:aws:iam::{0}:role/{1}
"""


def is_installed() -> bool:
    """Install it if it is not there yet; say why it cannot be, and return whether it is there."""
    done = PLACE / "installed"
    if done.exists() and done.read_text(encoding="utf-8") == " ".join(PACKAGES):
        return True
    subprocess.run([sys.executable, "-m", "venv", "--clear", PLACE], check=True)
    pip = [str(PLACE / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    tried = subprocess.run(
        [*pip, "install", *PACKAGES], check=False, capture_output=True, encoding="utf-8"
    )
    if tried.returncode:
        reason = tried.stderr.strip().splitlines()[-1]
        print(f"  c7n-org is left out, its packages cannot be installed: {reason}")
        return False
    done.write_text(" ".join(PACKAGES), encoding="utf-8")
    return True


def listing(
    account_ids: list[str], role_name: str, environment: Mapping[str, str]
) -> tuple[Cost, int]:
    """List the running instances of some accounts; return what it took, and how many it found."""
    with TemporaryDirectory() as there:
        policy, accounts = Path(there, "policy.yml"), Path(there, "accounts.yml")
        policy.write_text(POLICY, encoding="utf-8")
        entries = [ACCOUNT.format(account_id, role_name) for account_id in account_ids]
        accounts.write_text("".join(["accounts:\n", *entries]), encoding="utf-8")
        files = ["-c", accounts, "-u", policy, "-s", Path(there, "found"), "--cache-period", "0"]
        regions = [word for name in list(EVERY_REGION)[:REGIONS] for word in ("-r", name)]
        command = [PLACE / "bin" / "c7n-org", "run", *files, *regions]
        cost = cost_of([str(word) for word in command], environment)
    (found,) = FOUND.findall(cost.output.splitlines()[-1])
    return cost, int(found)
