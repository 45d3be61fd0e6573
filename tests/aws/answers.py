"""Answers of EC2 as text and as hypothesis makes them from botocore's shapes."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, Shape, StructureShape
from hypothesis import strategies as st

from ri_report.aws.kept import KEPT
from ri_report.sandbox.wire import service_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DrawFn

    from ri_report.aws.kept import Fields

SHAPES: dict[str, Shape] = {
    operation: output
    for operation in service_model("ec2").operation_names
    if (output := service_model("ec2").operation_model(operation).output_shape) is not None
    and output.name in KEPT
}
"""What the operations of the product return, by operation."""

# What the page https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
# shows, with all that instances have by now, in the layout that EC2 sends.
INSTANCES = """\
<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>8f7724cf-496f-496e-8fe3-example</requestId>
    <reservationSet>
        <item>
            <reservationId>r-1234567890abcdef0</reservationId>
            <ownerId>123456789012</ownerId>
            <groupSet/>
            <instancesSet>
                <item>
                    <instanceId>i-1234567890abcdef0</instanceId>
                    <imageId>ami-bff32ccc</imageId>
                    <instanceState>
                        <code>16</code>
                        <name>running</name>
                    </instanceState>
                    <privateDnsName>ip-192-168-1-88.eu-west-1.compute.internal</privateDnsName>
                    <dnsName>ec2-54-194-252-215.eu-west-1.compute.amazonaws.com</dnsName>
                    <reason/>
                    <keyName>my_keypair</keyName>
                    <amiLaunchIndex>0</amiLaunchIndex>
                    <productCodes/>
                    <instanceType>t2.micro</instanceType>
                    <launchTime>2018-05-08T16:46:19.000Z</launchTime>
                    <placement>
                        <availabilityZone>eu-west-1c</availabilityZone>
                        <availabilityZoneId>euw1-az2</availabilityZoneId>
                        <groupName/>
                        <tenancy>default</tenancy>
                    </placement>
                    <platformDetails>Red Hat Enterprise Linux</platformDetails>
                    <usageOperation>RunInstances:0010</usageOperation>
                    <usageOperationUpdateTime>2018-05-08T16:46:19.000Z</usageOperationUpdateTime>
                    <monitoring>
                        <state>disabled</state>
                    </monitoring>
                    <subnetId>subnet-56f5f633</subnetId>
                    <vpcId>vpc-11112222</vpcId>
                    <privateIpAddress>192.168.1.88</privateIpAddress>
                    <ipAddress>54.194.252.215</ipAddress>
                    <sourceDestCheck>true</sourceDestCheck>
                    <groupSet>
                        <item>
                            <groupId>sg-e4076980</groupId>
                            <groupName>SecurityGroup1</groupName>
                        </item>
                    </groupSet>
                    <architecture>x86_64</architecture>
                    <rootDeviceType>ebs</rootDeviceType>
                    <rootDeviceName>/dev/xvda</rootDeviceName>
                    <blockDeviceMapping>
                        <item>
                            <deviceName>/dev/xvda</deviceName>
                            <ebs>
                                <volumeId>vol-1234567890abcdef0</volumeId>
                                <status>attached</status>
                                <attachTime>2015-12-22T10:44:09.000Z</attachTime>
                                <deleteOnTermination>true</deleteOnTermination>
                            </ebs>
                        </item>
                    </blockDeviceMapping>
                    <virtualizationType>hvm</virtualizationType>
                    <clientToken>xMcwG14507example</clientToken>
                    <tagSet>
                        <item>
                            <key>Name</key>
                            <value>Server_1 &lt;b&gt; R&amp;amp;D &#x1F680; caf\u00e9</value>
                        </item>
                        <item>
                            <key>aws:autoscaling:groupName</key>
                            <value>web-1</value>
                        </item>
                        <item>
                            <key>empty</key>
                            <value/>
                        </item>
                    </tagSet>
                    <hypervisor>xen</hypervisor>
                    <networkInterfaceSet>
                        <item>
                            <networkInterfaceId>eni-551ba033</networkInterfaceId>
                            <subnetId>subnet-56f5f633</subnetId>
                            <ownerId>123456789012</ownerId>
                            <vpcId>vpc-11112222</vpcId>
                            <description>Primary network interface</description>
                            <status>in-use</status>
                            <macAddress>02:dd:2c:5e:01:69</macAddress>
                            <privateIpAddress>192.168.1.88</privateIpAddress>
                            <sourceDestCheck>true</sourceDestCheck>
                            <interfaceType>interface</interfaceType>
                            <groupSet>
                                <item>
                                    <groupId>sg-e4076980</groupId>
                                    <groupName>SecurityGroup1</groupName>
                                </item>
                            </groupSet>
                            <privateIpAddressesSet>
                                <item>
                                    <privateIpAddress>192.168.1.88</privateIpAddress>
                                    <primary>true</primary>
                                </item>
                            </privateIpAddressesSet>
                            <ipv6AddressesSet/>
                            <attachment>
                                <attachmentId>eni-attach-39697adc</attachmentId>
                                <deviceIndex>0</deviceIndex>
                                <status>attached</status>
                                <attachTime>2018-05-08T16:46:19.000Z</attachTime>
                                <deleteOnTermination>true</deleteOnTermination>
                            </attachment>
                        </item>
                    </networkInterfaceSet>
                    <ebsOptimized>false</ebsOptimized>
                    <enaSupport>true</enaSupport>
                    <cpuOptions>
                        <coreCount>1</coreCount>
                        <threadsPerCore>1</threadsPerCore>
                    </cpuOptions>
                    <capacityReservationSpecification>
                        <capacityReservationPreference>open</capacityReservationPreference>
                    </capacityReservationSpecification>
                    <hibernationOptions>
                        <configured>false</configured>
                    </hibernationOptions>
                    <metadataOptions>
                        <state>applied</state>
                        <httpTokens>required</httpTokens>
                        <httpPutResponseHopLimit>2</httpPutResponseHopLimit>
                        <httpEndpoint>enabled</httpEndpoint>
                        <httpProtocolIpv6>disabled</httpProtocolIpv6>
                        <instanceMetadataTags>disabled</instanceMetadataTags>
                    </metadataOptions>
                    <enclaveOptions>
                        <enabled>false</enabled>
                    </enclaveOptions>
                    <currentInstanceBootMode>legacy-bios</currentInstanceBootMode>
                    <privateDnsNameOptions>
                        <hostnameType>ip-name</hostnameType>
                        <enableResourceNameDnsARecord>false</enableResourceNameDnsARecord>
                        <enableResourceNameDnsAAAARecord>false</enableResourceNameDnsAAAARecord>
                    </privateDnsNameOptions>
                    <maintenanceOptions>
                        <autoRecovery>default</autoRecovery>
                        <rebootMigration>default</rebootMigration>
                    </maintenanceOptions>
                    <networkPerformanceOptions>
                        <bandwidthWeighting>default</bandwidthWeighting>
                    </networkPerformanceOptions>
                    <operator>
                        <managed>false</managed>
                    </operator>
                </item>
            </instancesSet>
        </item>
    </reservationSet>
    <nextToken>t-2</nextToken>
</DescribeInstancesResponse>
"""

TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "  \n ", "running", "m5.large", "<&>", "]]>", "caf\u00e9 \U0001f680"]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")),
)
MOMENTS = (
    "2018-05-08T16:46:19.000Z",
    "2024-02-29T23:59:59Z",
    "2024-02-29T23:59:59.123Z",
    "2024-02-29T23:59:59.123456Z",
    "2024-02-29T23:59:59+02:00",
    "2024-02-29T23:59:59",
    "2024-02-30T00:00:00.000Z",
    "2024-02-28T24:00:00Z",
    "2024-02-28T23:59:60Z",
    "0000-00-00T00:00:00Z",
    "2024-02-29",
    "1530000000",
    "1530000000.5",
    "Thu, 29 Feb 2024 12:00:00 GMT",
    "20240229T120000Z",
    "20240229",
    "2024-W09-4T00:00:00Z",
    " 2024-02-29T23:59:59Z",
    "\u0662024-02-29T23:59:59Z",
    "soon",
    "",
)
VALUES = {
    "string": TEXTS,
    "timestamp": st.sampled_from(MOMENTS),
    "boolean": st.sampled_from(["true", "false", "", "True", "1", " true"]),
    "integer": st.sampled_from(["0", "16", "-1", " 7 ", "1_0", "\u0663", "", "4.0", "many"]),
    "float": st.sampled_from(["0.0034", "30", "1e3", "-0.0", "inf", "", "dear"]),
}
VALUES |= {"long": VALUES["integer"], "double": VALUES["float"]}


@dataclass(frozen=True)
class Style:
    """How an answer is written: of each kind of ways, those that may be chosen."""

    texts: Sequence[str]
    spaces: Sequence[str]
    attributes: Sequence[str]
    beginnings: Sequence[str]
    roots: Sequence[str]


NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
NEAT = Style(
    texts=("plain", "plain", "numbers"),
    spaces=("", "\n    ", " \t"),
    attributes=("", "", "", ' a="1"', ' xml:lang="en"'),
    beginnings=('<?xml version="1.0" encoding="UTF-8"?>\n',),
    roots=(f'A xmlns="{NAMESPACE}"',),
)
"""As EC2 writes, or might."""
ODD = Style(
    texts=(*NEAT.texts, "cdata", "comment", "instruction", "return"),
    spaces=(*NEAT.spaces, "\r\n", "<!-- c -->", "<?p i?>", "words"),
    attributes=(*[""] * 20, ' xmlns="urn:x"', ' a="<!"'),
    beginnings=(
        "",
        *NEAT.beginnings,
        '<?xml version="1.1" encoding="latin-1"?>',
        "<?p i?>",
        "\ufeff",
    ),
    roots=(*NEAT.roots, "A", f'e:A xmlns:e="{NAMESPACE}"', f'A xmlns="{NAMESPACE}" xmlns:e="u"'),
)
"""As XML may be written."""
RARELY = st.integers(0, 15).map(lambda number: number == 0)


def written(draw: DrawFn, style: Style, text: str) -> str:
    """Return the text in one of the ways in which XML may write it."""
    plain = escape(text).replace("&#x27;", "&apos;")
    return {
        "plain": plain,
        "numbers": "".join(f"&#x{ord(c):x};" for c in text),
        "cdata": plain if "]]>" in text else f" <![CDATA[{text}]]>",
        "comment": f" <!-- <a> -->{plain}",
        "instruction": f" <?p i?>{plain}",
        "return": f" \r\n {plain}",
    }[draw(st.sampled_from(style.texts))]


def element(draw: DrawFn, style: Style, shape: Shape, *, fields: Fields, tag: str) -> str:
    """Return an element of a shape, with some of the kept and of the other members."""
    if isinstance(shape, ListShape):
        tags = draw(st.lists(st.sampled_from(["item"] * 9 + ["member"]), max_size=3))
        parts = [element(draw, style, shape.member, fields=fields, tag=tag) for tag in tags]
    elif isinstance(shape, StructureShape):
        parts = members(draw, style, shape, fields)
    else:
        parts = [written(draw, style, draw(VALUES[shape.type_name]))]
        if draw(RARELY):
            parts.append("<part>inside</part>")
    return tagged(draw, style, tag, parts)


def members(draw: DrawFn, style: Style, shape: StructureShape, fields: Fields) -> list[str]:
    """Return some members in any order, seldom twice, among others that are not kept or new."""
    kept = draw(st.lists(st.sampled_from(sorted(fields)), unique=not draw(RARELY)))
    tags = {name: member.serialization.get("name", name) for name, member in shape.members.items()}
    parts = [
        element(draw, style, shape.members[name], fields=fields[name], tag=tags[name])
        for name in kept
    ]
    others = [
        tags[name]
        for name, member in shape.members.items()
        if name not in fields and member.type_name == "string"
    ]
    extra = draw(st.lists(st.sampled_from([*others, "new", "item"]), max_size=2, unique=True))
    parts += [tagged(draw, style, tag, [written(draw, style, "x")]) for tag in extra]
    return draw(st.permutations(parts))


def tagged(draw: DrawFn, style: Style, tag: str, parts: Sequence[str]) -> str:
    """Return an element around its parts."""
    attributes = draw(st.sampled_from(style.attributes))
    space = draw(st.sampled_from(style.spaces)) if parts else ""
    inner = space.join(["", *parts, ""]) if len(parts) > 1 else "".join(parts)
    return f"<{tag}{attributes}>{inner}</{tag}>" if inner else f"<{tag}{attributes}/>"


@st.composite
def answers(draw: DrawFn, style: Style) -> tuple[Shape, bytes]:
    """The shape and the body of an answer to one of the operations of the product."""
    shape = SHAPES[draw(st.sampled_from(sorted(SHAPES)))]
    assert isinstance(shape, StructureShape)
    ids = draw(
        st.sampled_from([["<requestId>r-1 &lt;&#13;</requestId>"]] * 8 + [[], ["<requestId/>"]])
    )
    inner = "".join([*ids, *members(draw, style, shape, KEPT[shape.name])])
    first, root = (draw(st.sampled_from(those)) for those in (style.beginnings, style.roots))
    return shape, f"{first}<{root}>{inner}</{root.split()[0]}>\n".encode()


def restricted(value: Any, fields: Fields) -> Any:  # noqa: ANN401 - any part of an answer
    """Return the part of an answer that is kept."""
    if isinstance(value, list):
        return [restricted(one, fields) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: restricted(value[name], fields[name]) for name in value if name in fields}


def response(body: bytes, status: int = 200) -> dict[str, Any]:
    """An HTTP response as botocore hands it to its parsers."""
    headers = {"Content-Type": "text/xml;charset=UTF-8", "Date": "Sat, 23 Feb 2019 11:45:27 GMT"}
    return {"body": body, "headers": headers, "status_code": status}
