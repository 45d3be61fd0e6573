"""The demo organization: a company whose purchases show every way in which reservations work.

Account ids follow the pattern of AWS's documentation and belong to nobody. Days count from the
moment of observation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.sandbox.declaration import organization_from

if TYPE_CHECKING:
    from datetime import datetime

    from ri_report.sandbox.organization import Organization

# EC2 allows 256 characters in the value of a tag.
LONG_NAME = "nightly-reconciliation-of-card-settlements-" * 6

DEMO = """
management 999988887777 org-management
run 2 t3.medium us-east-1a name=billing-export
# Bought in the middle for everybody: only other accounts run m5.
buy 6 m5.4xlarge us-east-1 years=3 payment=partial offering=convertible ends=511
buy 5 m5.2xlarge eu-central-1 payment=all ends=143
buy 2 m5.8xlarge us-east-1 state=queued starts=25
buy 8 r5.2xlarge us-east-1 years=3 payment=all state=payment-pending starts=-1

account 111122223333 payments-prod
zones us-east-1 use1-az6 use1-az1 use1-az2 use1-az4 use1-az3 use1-az5
run 14 m5.large us-east-1a name=payments-api
run 10 m5.large us-east-1b name=payments-api-standby
run 8 m5.xlarge us-east-1a name=ledger
run 4 m5.2xlarge us-east-1b name=settlement
run 6 m5.2xlarge us-east-1c name=fraud-scoring platform="Red Hat Enterprise Linux"
run 3 r5.2xlarge us-east-1a name=session-cache
# Room for Black Friday: while it is idle, it uses up what is left of the m5 bought in the middle.
hold 10 m5.large eu-central-1a name=payments-peak-eu
run 6 m5.large eu-central-1a name=payments-api-eu capacity_reservation=payments-peak-eu
run 5 m5.large eu-central-1b name=payments-api-eu-standby
run 3 m5.xlarge eu-central-1a name=ledger-eu
run 2 m5.large us-east-1a name=payments-api-old state=stopped
run 1 m5.large us-east-1c name={long}
buy 6 m5.large us-east-1a ends=88
buy 10 m5.xlarge us-east-1 years=3 payment=partial ends=402
buy 4 m5.2xlarge us-east-1 platform="Red Hat Enterprise Linux" ends=19
# Nothing of the family runs any longer.
buy 4 m4.2xlarge us-east-1 payment=all ends=57
buy 12 m5.large us-east-1 state=retired ends=-41

account 222233334444 payments-staging
run 8 m5.large us-east-1b name=payments-api-staging
hold 3 m5.large us-east-1a name=load-test-week state=expired starts=-10 ends=-3
run 6 t3.medium us-east-1a name=test-runner
run 3 m5.large us-east-1a name=load-test state=stopped
run 4 c5.xlarge us-east-1c name=load-generator lifecycle=spot

account 333344445555 shop-web
enable us-east-1-bos-1a
zones us-east-1 use1-az4 use1-az6 use1-az1 use1-az2 use1-az3 use1-az5
zones eu-west-1 euw1-az2 euw1-az3 euw1-az1
run 16 m5.large us-east-1a name=storefront
run 6 m5.xlarge us-east-1b name=checkout
run 4 c5.xlarge us-east-1b name=image-resizer
run 12 c6g.large eu-west-1a name=storefront-eu
run 10 c6g.large eu-west-1b name=storefront-eu-standby
run 8 c6g.xlarge eu-west-1c name=checkout-eu
run 2 c5d.2xlarge us-east-1-bos-1a name=edge-cache
run 3 c5.xlarge us-east-1a name=thumbnail-batch lifecycle=spot
run 1 m5.large us-east-1a name="<script>alert(1)</script>"
# Bought for us-east-1a; image-resizer runs in us-east-1b.
buy 3 c5.xlarge us-east-1a ends=230
buy 14 c6g.xlarge eu-west-1 payment=all ends=76
buy 5 c6g.xlarge eu-west-1 state=queued starts=76

account 444455556666 shop-search
zones us-east-1 use1-az2 use1-az4 use1-az6 use1-az1 use1-az3 use1-az5
# Shared with shared-services, which runs in it too and pays for what is idle.
hold 6 c5.xlarge us-east-1c name=batch-room shared_with=012345678901 billed_to=012345678901
run 12 c5.large us-east-1b name=search-frontend
run 8 c5.2xlarge us-east-1a name=search-index
run 2 c5.4xlarge us-east-1c name=search-ranking
run 4 r6g.xlarge eu-west-1a name=search-cache-eu
run 1 c5.xlarge us-east-1c name=index-rebuild capacity_reservation=batch-room
buy 8 c5.2xlarge us-east-1 years=3 payment=all ends=611
buy 5 c5.xlarge us-east-1 offering=convertible payment=partial ends=27
buy 5 r6g.large eu-west-1 ends=133
buy 6 c4.2xlarge us-east-1 state=retired ends=-12

account 555566667777 data-platform
zones us-east-1 use1-az1 use1-az2 use1-az4 use1-az6 use1-az5 use1-az3
run 10 r5.2xlarge us-east-1a name=warehouse
run 4 r5.4xlarge us-east-1b name=warehouse-master
run 1 i3.metal us-east-1c name=event-store-archive
run 4 i3.2xlarge us-east-1c name=event-store
run 1 x2idn.16xlarge eu-central-1b name=in-memory-analytics
run 6 r5.xlarge eu-west-1a name=warehouse-eu
run 10 m5.2xlarge us-east-1b name=etl-worker lifecycle=spot
run 2 m5.xlarge us-east-1b name=etl-night lifecycle=scheduled
buy 6 r5.4xlarge us-east-1 years=3 payment=partial ends=733
# Modified ten weeks ago: the old record retired in the second in which the new one started.
buy 8 r5.xlarge us-east-1 state=retired starts=-190 ends=-70 payment=all
buy 4 r5.2xlarge us-east-1 modified=yes starts=-70 ends=175 payment=all
buy 7 i3.4xlarge us-east-1 years=3 payment=all ends=298
buy 1 x2idn.16xlarge eu-central-1 years=3 payment=partial ends=840
buy 5 r5.xlarge eu-west-1 ends=12

account 666677778888 ml-research
run 6 g4dn.xlarge us-east-1a name=inference
run 3 g5.xlarge us-east-1b name=notebook
hold 2 p5.48xlarge us-east-1c name=gpu-block reservation_type=capacity-block starts=-4 ends=10
run 1 p5.48xlarge us-east-1c name=training lifecycle=capacity-block capacity_reservation=gpu-block
run 8 c5.4xlarge us-east-1a name=feature-extraction lifecycle=spot
run 2 c6g.2xlarge eu-west-1a name=model-registry
buy 4 g4dn.xlarge us-east-1 ends=201
# GPU families have no size flexibility: one 2xlarge does nothing for three xlarge.
buy 1 g5.2xlarge us-east-1 ends=264

account 777788889999 security
run 4 m5.large us-east-1a name=key-ceremony tenancy=dedicated
run 2 m5.xlarge us-east-1b name=log-vault tenancy=dedicated
run 4 t3.small us-east-1a name=scanner
run 3 t3.small eu-west-1a name=scanner-eu
buy 3 m5.large us-east-1 tenancy=dedicated ends=120
buy 1 m5.xlarge us-east-1b tenancy=dedicated ends=5
buy 4 t3.micro eu-west-1 offering=convertible ends=245

account 012345678901 shared-services
zones us-east-1 use1-az4 use1-az1 use1-az6 use1-az2 use1-az3 use1-az5
run 6 m5.large us-east-1a name=ci-agent
run 3 r5.xlarge us-east-1b name=sap-connector platform="SUSE Linux"
run 5 t3.large us-east-1a name=bastion
run 2 c5.xlarge us-east-1c name=artifact-store capacity_reservation=batch-room
run 2 m5.xlarge us-east-1a name=scheduler platform="Ubuntu Pro"
run 2 m5.large us-east-1b name=directory platform="Red Hat BYOL Linux"
run 1 m5.xlarge eu-central-1a name=plant-gateway outpost=yes
run 2 t3.medium us-west-2a name=status-page
# Lent: search-frontend runs in what that account calls us-east-1b, which is another place.
buy 8 c5.large us-east-1b ends=155
buy 2 r5.xlarge us-east-1 platform="SUSE Linux" ends=350
buy 20 t3.medium us-east-1 offering=convertible ends=98
buy 2 r5.large us-east-1 state=payment-failed starts=-6

account 123456789012 sandbox-dev
run 20 t3.medium us-east-1a name=workstation
run 10 t3.small us-east-1b name=preview
run 6 t3.micro us-east-1b name=demo
run 3 t3.nano us-east-1c name=probe
run 6 t3.medium us-east-1a name=workstation-parked state=stopped
run 1 mac2.metal us-east-1d name=ios-build platform=macOS tenancy=host
run 1 c5.large us-east-1a name=license-host tenancy=host
run 2 t5g.pico us-east-1a name=new-generation-trial
run 1 t3.medium us-east-1b name="=cmd|' /C calc'!A0"
run 1 t3.medium us-east-1b name="\N{ROCKET} launch day"
run 1 t3.small us-east-1b name="invoice-\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe"
run 1 t3.small us-east-1b
buy 3 t3.large us-east-1 ends=45
buy 1 t5g.pico us-east-1 ends=331
buy 4 t3.micro us-east-1 state=queued-deleted starts=40

account 888899990000 mobile-backend
enable ap-east-1
run 18 m6i.large us-east-1a name=mobile-api
run 4 m6i.xlarge us-east-1b name=push-gateway
run 10 m6g.large eu-west-1b name=mobile-api-eu
run 5 t4g.medium ap-east-1a name=mobile-relay
run 6 c6g.large eu-west-1a name=content-feed
# Smaller than what runs: each m6g.medium covers half of an m6g.large.
buy 13 m6g.medium eu-west-1 ends=61
buy 4 t4g.medium ap-east-1 ends=190

account 210987654321 analytics-bi
run 8 m5.xlarge us-east-1a name=report-server platform=Windows
run 4 r5.2xlarge us-east-1b name=cube platform="Windows with SQL Server Standard"
run 2 r5.xlarge us-east-1b name=staging-db platform="SQL Server Standard"
run 2 m5.large us-east-1a name=desktop platform="Windows BYOL"
run 2 c5.xlarge eu-west-1a name=planning platform="Red Hat Enterprise Linux with HA"
buy 6 m5.xlarge us-east-1 platform="Windows (Amazon VPC)" ends=33
# Windows has no size flexibility: nothing of this size runs.
buy 4 m5.large us-east-1 platform=Windows ends=280
# Bought for Windows, but bastion runs Linux.
buy 4 t3.large us-east-1 platform=Windows ends=216
buy 3 r5.2xlarge us-east-1 platform="Windows with SQL Server Standard" years=3 ends=600

# The role was never rolled out here.
account 098765432109 legacy-erp role=
run 6 r5.2xlarge eu-central-1a name=erp
run 4 m5.xlarge eu-central-1b name=erp-app platform="SUSE Linux"
buy 3 r5.4xlarge eu-central-1 years=3 payment=all ends=90

account 345678901234 acquired-brand state=SUSPENDED
run 3 m5.large us-east-1a name=brand-site
"""


def demo_organization(as_of: datetime) -> Organization:
    """Build the demo organization as it stands at a moment; equal moments, equal organizations.

    Args:
        as_of: The moment of observation, aware UTC, that all dates count from.
    """
    return organization_from(DEMO.replace("{long}", LONG_NAME[:256]), as_of)
