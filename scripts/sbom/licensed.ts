import { Models, SPDX } from '@cyclonedx/cyclonedx-library';

/** A licence by its name in the list of SPDX, or an expression of such names. */
export const licensed = (license: string): Models.LicenseRepository =>
  new Models.LicenseRepository([
    SPDX.isSupportedSpdxId(license) ? new Models.SpdxLicense(license) : new Models.LicenseExpression(license),
  ]);
