"""Every error family of the AWS SDK and every error code of AWS, sorted into what it means."""

from __future__ import annotations

from getpass import GetPassWarning
from typing import Final, Literal

import boto3.exceptions as boto3_errors
import botocore.exceptions as sdk
from botocore.parsers import ResponseParserError

from ri_report.aws.transport import BodyTooLargeError
from ri_report.inventory.outcomes import Status

Family = Literal[
    "credentials", "configuration", "timeout", "network", "throttled", "malformed", "program"
]

FAMILIES: Final[dict[type[Exception], Family]] = {
    # no credentials, or none that AWS accepts any more
    sdk.NoCredentialsError: "credentials",
    sdk.PartialCredentialsError: "credentials",
    sdk.CredentialRetrievalError: "credentials",
    sdk.MetadataRetrievalError: "credentials",
    sdk.NoAuthTokenError: "credentials",
    sdk.TokenRetrievalError: "credentials",
    sdk.SSOError: "credentials",
    sdk.LoginError: "credentials",
    sdk.RefreshWithMFAUnsupportedError: "credentials",
    GetPassWarning: "credentials",
    EOFError: "credentials",
    # the AWS configuration of this machine
    sdk.ProfileNotFound: "configuration",
    sdk.ConfigParseError: "configuration",
    sdk.ConfigNotFound: "configuration",
    sdk.InvalidConfigError: "configuration",
    sdk.UnknownCredentialError: "configuration",
    sdk.UnknownTokenProviderError: "configuration",
    sdk.InvalidIMDSEndpointError: "configuration",
    sdk.InvalidIMDSEndpointModeError: "configuration",
    sdk.InvalidRegionError: "configuration",
    sdk.NoRegionError: "configuration",
    sdk.InvalidEndpointConfigurationError: "configuration",
    sdk.InvalidEndpointDiscoveryConfigurationError: "configuration",
    sdk.InvalidRetryConfigurationError: "configuration",
    sdk.InvalidRetryModeError: "configuration",
    sdk.InvalidProxiesConfigError: "configuration",
    sdk.InvalidDefaultsMode: "configuration",
    sdk.InvalidSTSRegionalEndpointsConfigError: "configuration",
    sdk.InvalidS3UsEast1RegionalEndpointConfigError: "configuration",
    sdk.InvalidChecksumConfigError: "configuration",
    sdk.InvalidHostLabelError: "configuration",
    sdk.MissingDependencyException: "configuration",
    sdk.MD5UnavailableError: "configuration",
    # on the way to AWS and back
    sdk.ConnectTimeoutError: "timeout",
    sdk.ReadTimeoutError: "timeout",
    sdk.ConnectionError: "network",
    sdk.HTTPClientError: "network",
    sdk.CapacityNotAvailableError: "throttled",
    sdk.UnknownRegionError: "network",
    sdk.ServiceNotInRegionError: "network",
    sdk.BaseEndpointResolverError: "network",
    sdk.EndpointProviderError: "network",
    boto3_errors.RetriesExceededError: "network",
    # answers that are not what AWS documents
    BodyTooLargeError: "malformed",
    ResponseParserError: "malformed",
    sdk.IncompleteReadError: "malformed",
    sdk.ChecksumError: "malformed",
    sdk.FlexibleChecksumError: "malformed",
    sdk.AwsChunkedWrapperError: "malformed",
    sdk.PaginationError: "malformed",
    SyntaxError: "malformed",
    ValueError: "malformed",
    LookupError: "malformed",
    AttributeError: "malformed",
    TypeError: "malformed",
    OverflowError: "malformed",
    RuntimeError: "malformed",
    # mistakes of this program or a broken installation: never an outcome
    sdk.DataNotFoundError: "program",
    sdk.ApiVersionNotFoundError: "program",
    sdk.MissingServiceIdError: "program",
    sdk.UndefinedModelAttributeError: "program",
    sdk.UnsupportedServiceProtocolsError: "program",
    sdk.UnknownSignatureVersionError: "program",
    sdk.UnsupportedSignatureVersionError: "program",
    sdk.UnknownServiceStyle: "program",
    sdk.UnknownClientMethodError: "program",
    sdk.UnknownEndpointResolutionBuiltInName: "program",
    sdk.ParamValidationError: "program",
    sdk.ValidationError: "program",
    sdk.AliasConflictParameterError: "program",
    sdk.MissingParametersError: "program",
    sdk.InvalidExpressionError: "program",
    sdk.OperationNotPageableError: "program",
    sdk.UnseekableStreamError: "program",
    sdk.WaiterError: "program",
    sdk.WaiterConfigError: "program",
    sdk.StubResponseError: "program",
    sdk.InvalidDNSNameError: "program",
    sdk.InvalidS3AddressingStyleError: "program",
    sdk.UnsupportedS3ArnError: "program",
    sdk.UnsupportedS3ControlArnError: "program",
    sdk.UnsupportedOutpostResourceError: "program",
    sdk.UnsupportedS3ConfigurationError: "program",
    sdk.UnsupportedS3AccesspointConfigurationError: "program",
    sdk.UnsupportedS3ControlConfigurationError: "program",
    boto3_errors.Boto3Error: "program",
}

# Codes after https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, the
# CommonErrors pages of STS and Organizations, and the throttling codes that botocore retries.
CODES: Final[dict[str, Status]] = {
    code: status
    for status, codes in {
        Status.DENIED: (
            "AccessDenied AccessDeniedException UnauthorizedOperation Client.UnauthorizedOperation "
            "UnauthorizedAccess NotAuthorized OptInRequired PendingVerification Blocked "
            "AccountDisabled RegionDisabledException"
        ),
        Status.THROTTLED: (
            "Throttling ThrottlingException ThrottledException Throttled RequestThrottled "
            "RequestThrottledException TooManyRequestsException RequestLimitExceeded "
            "BandwidthLimitExceeded EC2ThrottledException PriorRequestNotComplete SlowDown "
            "ResourceCountLimitExceeded 429"
        ),
        Status.TIMEOUT: "RequestTimeout RequestTimeoutException 408 504",
        Status.NETWORK: (
            "InternalError InternalFailure InternalServerError ServiceException ServiceFailure "
            "ServiceUnavailable ServiceUnavailableException Unavailable 500 502 503"
        ),
        # AWS no longer accepts the credentials, or the signature's time
        Status.EXPIRED: (
            "ExpiredToken ExpiredTokenException RequestExpired RequestTimeTooSkewed "
            "InvalidClientTokenId UnrecognizedClientException InvalidToken InvalidAccessKeyId "
            "SignatureDoesNotMatch InvalidSignatureException IncompleteSignature "
            "IncompleteSignatureException MissingAuthenticationToken "
            "MissingAuthenticationTokenException AuthFailure NotAuthenticated "
            "IDPCommunicationError"
        ),
    }.items()
    for code in codes.split()
}
