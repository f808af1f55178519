/** By what DPS knows a gateway whose leaves Azure issues. */
export interface OnboardingCertificate {
  readonly thumbprint: string;
  /** Its whole name. */
  readonly issuer: string;
  readonly notAfter: string;
}
