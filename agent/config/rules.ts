interface Rule {
  /** The setting that the complaint is about. */
  readonly key: string;
  readonly broken: (isSet: (key: string) => boolean) => boolean;
  readonly sentence: string;
}

const alone =
  (key: string, other: string): Rule['broken'] =>
  (isSet) =>
    isSet(key) && !isSet(other);

/** Rules about several settings. */
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
    key: 'issuer.est.username',
    broken: alone('issuer.est.username', 'issuer.est.password_file'),
    sentence: 'needs issuer.est.password_file: set it, or remove the name',
  },
  {
    key: 'issuer.est.password_file',
    broken: alone('issuer.est.password_file', 'issuer.est.username'),
    sentence: 'needs issuer.est.username: set it, or remove the file',
  },
  {
    key: 'issuer.est.bootstrap_cert',
    broken: alone('issuer.est.bootstrap_cert', 'issuer.est.bootstrap_key'),
    sentence: 'needs issuer.est.bootstrap_key: set it, or remove the certificate',
  },
  {
    key: 'issuer.est.bootstrap_key',
    broken: alone('issuer.est.bootstrap_key', 'issuer.est.bootstrap_cert'),
    sentence: 'needs issuer.est.bootstrap_cert: set it, or remove the key',
  },
];
