interface Rule {
  /** The setting that the complaint is about. */
  readonly key: string;
  readonly broken: (isSet: (key: string) => boolean) => boolean;
  readonly sentence: string;
  /** It is right, and only its other half is missing. */
  readonly isHalf?: true;
}

/** One is useless without the other. @param name of the one, for a person */
const needs = (key: string, other: string, name: string): Rule => ({
  key,
  broken: (isSet) => isSet(key) && !isSet(other),
  sentence: `needs ${other}: set it, or remove the ${name}`,
  isHalf: true,
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
  needs('issuer.est.username', 'issuer.est.password_file', 'name'),
  needs('issuer.est.password_file', 'issuer.est.username', 'file'),
  needs('network.proxy_username', 'network.proxy_password_file', 'name'),
  needs('network.proxy_password_file', 'network.proxy_username', 'file'),
  needs('network.proxy_password_file', 'network.proxy', 'file'),
  needs('issuer.est.bootstrap_cert', 'issuer.est.bootstrap_key', 'certificate'),
  needs('issuer.est.bootstrap_key', 'issuer.est.bootstrap_cert', 'key'),
];
