import { objectionTo } from '../../config/draft.ts';
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
