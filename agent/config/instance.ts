import type { Written } from './schema.ts';

/** The configuration of the daemon that the package starts. */
export const DEFAULT_PATH = '/etc/newleaf/newleaf.toml';

/** Names and places of one daemon of this gateway. */
export interface Instance {
  /** Absent: the one that every gateway has. */
  readonly name?: string;
  /** A unit starts it. Any other configuration is an experiment of its author. */
  readonly hasUnit: boolean;
  /** Without `.service`. */
  readonly unit: string;
  /** Only root may read it, and the unit hands it to the daemon (`LoadCredential=hsm-pin:/etc/newleaf/pin`). */
  readonly pin: string;
  /** The daemon's copy, while its unit runs (systemd.exec(5), LoadCredential=). */
  readonly credential: string;
  /** Instead of the file: sealed by `systemd-creds encrypt`. */
  readonly sealed: string;
  /** `StateDirectory=` of the unit. */
  readonly state: string;
  /** Defaults that are not those of the schema: two daemons share no file and no key label. */
  readonly standards: Readonly<Record<string, Written>>;
}

/** As long as hsm.label_prefix, of which it is the default. */
const NAME = '[A-Za-z0-9_][A-Za-z0-9_-]{0,27}';
const PLACE = new RegExp(`^/etc/newleaf/(${NAME})/newleaf\\.toml$`);

/** A name that `newleaf@NAME.service` can have. `newleaf` is the label prefix of the daemon without a name. */
export const isInstanceName = (name: string): boolean => new RegExp(`^${NAME}$`).test(name) && name !== 'newleaf';

export const configurationOf = (name: string): string => `/etc/newleaf/${name}/newleaf.toml`;

/**
 * The path of a configuration decides it, so that nothing else has to say it. `@`, as in the name of the unit: with a `-` the
 * state or the sockets of a NAME `uplink` would be those of newleaf-uplink.
 */
export function instanceOf(file: string): Instance {
  const name = PLACE.exec(file)?.[1];
  const isNamed = name !== undefined && isInstanceName(name);
  const [at, below] = isNamed ? [`@${name}`, `/${name}`] : ['', ''];
  const unit = `newleaf${at}`;
  const state = `/var/lib/${unit}`;
  return {
    ...(isNamed && { name }),
    hasUnit: isNamed || file === DEFAULT_PATH,
    unit,
    pin: `/etc/newleaf${below}/pin`,
    credential: `/run/credentials/${unit}.service/hsm-pin`,
    sealed: `/etc/credstore.encrypted/hsm-pin${at}`,
    state,
    standards: isNamed
      ? {
          'hsm.label_prefix': name,
          'state.directory': state,
          'control.socket': `/run/${unit}/control.sock`,
          'uplink.sockets': `/run/newleaf-uplink${at}`,
        }
      : {},
  };
}

/** The label of an onboarding key that init makes: newleaf looks for leftover keys of its own under other labels. */
export const onboardingLabel = (prefix: string): string => `${prefix}-onboarding`;
