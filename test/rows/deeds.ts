import type { Answer } from '../../agent/ask/ask.ts';
import type { Leaf } from '../../agent/roll/leaf.ts';
import { keyIn } from '../search/csr.ts';
import type { Faults } from '../search/faults.ts';
import { DAY, type Gateway, HOUR } from '../search/gateway.ts';
import { ask } from '../search/people.ts';

/** Faults of rows, beside those of the search. */
export const OWN_FAULTS: Readonly<Record<string, Faults>> = {
  'token: hangs where it makes a key': { hangs: true },
  'token: signs no CSR, NL-TOKEN-KEY': { sign: 'NL-TOKEN-KEY' },
  'token: destroys no key, NL-TOKEN-POISONED': { destroy: 'NL-TOKEN-POISONED' },
  'token: loses its state at a handshake, candidate': { handshake: { code: 'NL-TOKEN-POISONED', whom: 'candidate' } },
  'token: loses its state at a handshake, current': { handshake: { code: 'NL-TOKEN-POISONED', whom: 'current' } },
  'token: does not show the current key': { handshake: { code: 'NL-TOKEN-KEY', whom: 'current' } },
  'hub: takes the candidate, and drops it': { hubOddly: 'drops' },
  'hub: NL-TPM-KEY, all': { hub: { code: 'NL-TPM-KEY', whom: 'all' } },
  'DPS: NL-DPS-THROTTLED, all, retry after 1 h': {
    dps: { code: 'NL-DPS-THROTTLED', whom: 'all', retryAfterMs: HOUR },
  },
};

/** What people do in rows, beside the deeds of the search. */
export const OWN_DEEDS: Readonly<Record<string, (gateway: Gateway) => unknown>> = {
  'csr by method': (gateway) => ask(gateway, { kind: 'csr', from: 'method' }),
  'csr --new-key by method': (gateway) => ask(gateway, { kind: 'csr', from: 'method', newKey: true }),
  'roll, delayed': (gateway) => ask(gateway, { kind: 'roll', from: 'method', delayMs: HOUR, id: 'later' }),
  'ten methods': async (gateway) => {
    for (let count = 0; count < 10; count += 1) {
      await ask(gateway, { kind: 're-register', from: 'method', delayMs: 0 });
      await gateway.clock.sleep(10_000);
    }
  },
  'clock 25 hours back': ({ clock }) => clock.step(-25 * HOUR),
  'a boot with a clock that is 2 hours behind': (gateway) => {
    gateway.stop();
    gateway.clock.step(-2 * HOUR);
    gateway.start();
  },
  'clock 4 days ahead': ({ clock }) => clock.step(4 * DAY),
  'clock 30 s back': ({ clock }) => clock.step(-30_000),
  'it was registered otherwise': (gateway) => {
    gateway.terms = { ...gateway.terms, registered: `${gateway.terms.registered}*` };
  },
  'operator enrolls the candidate': ({ world }) => {
    const leaf = world.options.candidate();
    if (leaf) world.enrolled.add(leaf.thumbprint);
  },
  'the current leaf is installed': (gateway) => install(gateway, gateway.world.options.current()?.chain),
  'another leaf for the key of the candidate': (gateway) => renew(gateway, gateway.world.options.candidate()),
  'another leaf for the current key': (gateway) => renew(gateway, gateway.world.options.current()),
  'install, not enrolled': (gateway) => bring(gateway),
  'install by method, not enrolled': (gateway) => bring(gateway, 'method'),
};

const install = (gateway: Gateway, chain = '', from: 'technician' | 'method' = 'technician') =>
  ask(gateway, { kind: 'install', from, delivered: Buffer.from(chain) });

/** A person brings another leaf for a key that has one, and it is enrolled. */
function renew(gateway: Gateway, leaf: Leaf | undefined): Promise<Answer | undefined> | undefined {
  if (leaf === undefined) return undefined;
  const { chain, thumbprint } = gateway.world.issue(leaf.key);
  gateway.world.enrolled.add(thumbprint);
  return install(gateway, chain);
}

/** A leaf for the CSR, which an individual enrollment does not know. */
async function bring(gateway: Gateway, from: 'technician' | 'method' = 'technician'): Promise<Answer | undefined> {
  const answer = await ask(gateway, { kind: 'csr', from: 'technician' });
  return answer?.is === 'csr' ? install(gateway, gateway.world.issue(keyIn(answer.csr)).chain, from) : answer;
}
