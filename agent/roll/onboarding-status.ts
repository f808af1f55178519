/** By what DPS knows a gateway whose leaves Azure issues. */
export type OnboardingStatus = OnboardingCertificate | { readonly attestation: 'tpm' };

export interface OnboardingCertificate {
  readonly thumbprint: string;
  /** Its whole name. Older daemons do not tell it. */
  readonly issuer?: string;
  readonly notAfter: string;
}
