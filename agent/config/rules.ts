/** Whether a setting has a value, or this one. */
export type IsSet = (key: string, value?: string) => boolean;

interface Rule {
  /** The setting that the complaint is about. */
  readonly key: string;
  readonly broken: (isSet: IsSet) => boolean;
  readonly sentence: string;
  /** It is right, and only its other half is missing: this setting. */
  readonly needs?: string;
}

/** One is useless without the other. @param name of the one, for a person */
const needs = (key: string, other: string, name: string): Rule => ({
  key,
  broken: (isSet) => isSet(key) && !isSet(other),
  sentence: `needs ${other}: set it, or remove the ${name}`,
  needs: other,
});

export const CROSS_CHECKS: readonly Rule[] = [
  {
    key: 'hsm.token',
    // It has a default, so it is set wherever the section is in use.
    broken: (isSet) => isSet('hsm.label_prefix') && !isSet('hsm.token') && !isSet('hsm.uri'),
    sentence: 'must be set (or hsm.uri), so that newleaf knows which token is its own',
  },
  {
    key: 'hsm.uri',
    broken: (isSet) => isSet('hsm.token') && isSet('hsm.uri'),
    sentence: 'must be removed, or hsm.token: one of them names the token',
  },
  {
    key: 'hsm.key',
    // It has a default, so it is set wherever Azure issues.
    broken: (isSet) => isSet('hsm.key') && isSet('issuer.azure.dps_api_version'),
    sentence: 'must be removed where Azure issues the leaves: the key that DPS knows already is onboarding.key',
  },
  {
    key: 'onboarding.key',
    // Attestation by the TPM has no issuer, whatever is left of one in the file.
    broken: (isSet) => isSet('leaf.issuer', 'azure') && !isSet('dps.attestation', 'tpm') && !isSet('onboarding.key'),
    sentence: 'must be set, so that DPS knows this gateway',
  },
  needs('issuer.est.username', 'issuer.est.password_file', 'name'),
  needs('issuer.est.password_file', 'issuer.est.username', 'file'),
  needs('network.proxy_username', 'network.proxy_password_file', 'name'),
  needs('network.proxy_password_file', 'network.proxy_username', 'file'),
  needs('network.proxy_password_file', 'network.proxy', 'file'),
  needs('issuer.est.bootstrap_cert', 'issuer.est.bootstrap_key', 'certificate'),
  needs('issuer.est.bootstrap_key', 'issuer.est.bootstrap_cert', 'key'),
];

/** The settings that those that are set need, each with what is missing; what is missing may need more. */
export function halvesAmong(isSet: (key: string) => boolean): ReadonlyMap<string, readonly string[]> {
  const others = (key: string) => CROSS_CHECKS.flatMap((rule) => (rule.key === key ? (rule.needs ?? []) : []));
  const halves = new Map<string, readonly string[]>();
  for (const { key, needs } of CROSS_CHECKS) {
    if (needs === undefined || !isSet(key) || halves.has(key)) continue;
    const needed = new Set([key]);
    // A set goes on with what is added while it is walked through.
    for (const one of needed) for (const other of others(one)) needed.add(other);
    const missing = [...needed].filter((one) => !isSet(one));
    if (missing.length > 0) halves.set(key, missing);
  }
  return halves;
}
