import { hostname } from 'node:os';
import { objectionTo } from '../../config/draft.ts';
import { askSetting } from './ask-setting.ts';
import type { Guide } from './guide.ts';
import { reachDps } from './reach.ts';
import { noCertificate } from './readable.ts';

export async function askIdentity(guide: Guide): Promise<void> {
  await askSetting(guide, {
    name: 'dps.id_scope',
    flag: 'id-scope',
    words: 'ID scope',
    hint: 'Azure portal: DPS instance, Overview',
  });
  await askSetting(guide, {
    name: 'dps.registration_id',
    flag: 'registration-id',
    words: 'Registration ID, which is the CN of every leaf',
    suggestion: registrationIdOf(hostname()),
  });
  for (;;) {
    await askSetting(guide, { name: 'dps.endpoint', flag: 'endpoint', words: 'DPS endpoint' });
    if (guide.flag('trust-ca') !== undefined) await askTrust(guide);
    if (!guide.dialogue.asks) return;
    const found = await reachDps(guide);
    guide.forget('endpoint', 'trust-ca');
    if (found === 'untrusted' && (await guide.dialogue.confirm('Name another file with the CAs to trust?', true))) {
      await askTrust(guide);
      if ((await reachDps(guide)) === 'trusted') return;
    }
    if (found === 'trusted' || (await guide.dialogue.confirm('Go on all the same?', false))) return;
  }
}

function askTrust(guide: Guide): Promise<void> {
  const words = 'File with the CAs of DPS and hubs (PEM)';
  return askSetting(guide, { name: 'trust.ca_file', flag: 'trust-ca', words, isFile: true, objection: noCertificate });
}

/** The host name as a registration ID, where it can be one. */
export function registrationIdOf(host: string): string | undefined {
  const id = host.split('.', 1)[0] ?? '';
  return id === 'localhost' || objectionTo('dps.registration_id', id) !== undefined ? undefined : id;
}
