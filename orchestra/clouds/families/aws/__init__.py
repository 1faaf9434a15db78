"""Amazon Web Services, by Libcloud's EC2, classic load balancing, Route 53 and S3 drivers."""

from __future__ import annotations

from orchestra.clouds.families.aws.cloud import AwsCloud, aws

__all__ = ["AwsCloud", "aws"]
