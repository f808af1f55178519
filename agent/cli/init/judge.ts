import { objectionTo } from '../../config/draft.ts';
import { halvesAmong } from '../../config/rules.ts';
import { Fault } from '../../failure/failure.ts';
import { choiceByFlag, type Guide, wrongFlag } from './guide.ts';
import { ISSUER_KINDS } from './issuer.ts';
import { TOKEN_KINDS } from './token-flags.ts';

/** The options that are one setting, as they are written. */
const SETTINGS: Readonly<Record<string, string>> = {
  'id-scope': 'dps.id_scope',
  'registration-id': 'dps.registration_id',
  endpoint: 'dps.endpoint',
  transport: 'network.transport',
  proxy: 'network.proxy',
  'proxy-user': 'network.proxy_username',
  attestation: 'dps.attestation',
  'tpm-device': 'tpm.device',
  'est-url': 'issuer.est.url',
  'renew-at': 'leaf.renew_at',
};

/** Judges the values of all options that need only be read, before a file is copied or a server is dialled. @throws Fault NL-CONFIG */
export function judgeFlags({ flag }: Pick<Guide, 'flag'>): void {
  choiceByFlag({ flag }, 'issuer', ISSUER_KINDS);
  choiceByFlag({ flag }, 'new-token', TOKEN_KINDS);
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const given = flag(name);
    const wrong = given === undefined ? undefined : objectionTo(setting, given);
    if (wrong !== undefined) throw wrongFlag(name, wrong);
  }
}

/** The options of settings that need one another. */
const HALVES: Readonly<Record<string, string>> = {
  'network.proxy': 'proxy',
  'network.proxy_username': 'proxy-user',
  'network.proxy_password_file': 'proxy-password-file',
  'issuer.est.username': 'est-user',
  'issuer.est.password_file': 'est-password-file',
  'issuer.est.bootstrap_cert': 'bootstrap-cert',
  'issuer.est.bootstrap_key': 'bootstrap-key',
};

/**
 * Demands that nothing is answered by half: the configuration would be refused after a token was made for it.
 * @param hasAnswer whether a setting has an answer besides the options
 * @throws Fault NL-CONFIG that names the options
 */
export function demandWhole({ flag }: Pick<Guide, 'flag'>, hasAnswer: (setting: string) => boolean): void {
  const isGiven = (setting: string) => flag(HALVES[setting] ?? '') !== undefined;
  const halves = [...halvesAmong((setting) => isGiven(setting) || hasAnswer(setting))];
  if (halves.length === 0) return;
  const option = (setting: string) => `--${HALVES[setting] ?? setting}`;
  const sentences = halves.map(
    ([key, missing]) => `${isGiven(key) ? option(key) : key} needs ${missing.map(option).join(' and ')}.`,
  );
  const advice = 'Add what is missing, or leave out what needs it. See: `newleaf init --help`';
  throw new Fault('NL-CONFIG', { message: sentences.join(' '), advice });
}
