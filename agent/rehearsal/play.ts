import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Leaf } from '../roll/leaf.ts';
import type { Ports } from '../roll/ports.ts';
import { within } from '../time/within.ts';
import { playedHub } from './hub.ts';
import type { Parts } from './parts.ts';

const LONGEST_MS = 20_000;
const DAY = 86_400_000;
const HUB = { hub: 'hub.invalid', deviceId: 'rehearsal' };

/**
 * Starts a daemon with a token, a DPS and a hub that are only played, in a directory of its own: first without a state, and then
 * as most starts are, with one. Nothing of the gateway is read, and nothing is sent.
 * @param parts of the file whose functions are to run: this one has copies of its own, which do not count
 * @throws Error where it does not come to a session; what the file system says
 */
export async function playStart(parts: Parts, parent = tmpdir()): Promise<void> {
  const stage = await mkdtemp(join(parent, 'newleaf-rehearsal-'));
  try {
    const file = join(stage, 'newleaf.toml');
    await writeFile(file, settings(stage));
    for (let time = 0; time < 2; time += 1) await session(parts, file);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

const settings = (directory: string): string => `[dps]
id_scope = "0ne00000000"
registration_id = "rehearsal"
[hsm]
module = "/none.so"
token = "rehearsal"
pin_file = "${directory}/pin"
[leaf]
issuer = "inbox"
[state]
directory = "${directory}/state"
[control]
socket = "${directory}/control.sock"
[uplink]
sockets = "${directory}/uplink"
`;

async function session(parts: Parts, file: string): Promise<void> {
  const { config } = parts.loadConfig(file, undefined, {});
  let connected = () => {};
  const isConnected = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const write = (line: string) => line.includes('"event":"connected"') && connected();
  const log = parts.createLog({ level: 'info', env: {}, sink: { write } });
  const running = await parts.start({ file, config, log, env: {}, held: {} }, undefined, async (given) => {
    const foundation = parts.foundationOf(given);
    const { answer, keepalive, network, version } = foundation;
    const hub = parts.createHub({
      connectorFor: async () => playedHub,
      reach: network.reach,
      keepalive,
      answer,
      version,
    });
    const ports = { ...ABSENT, hub, dps: { register: async () => HUB } };
    return new parts.Daemon({
      ...foundation,
      ports,
      labelPrefix: 'newleaf',
      given: async () => leaf(),
      publish: async () => {},
    });
  });
  try {
    const late = () => new Error(`no session within ${LONGEST_MS} ms`);
    await within(isConnected, { after: { ms: LONGEST_MS, late } });
  } finally {
    await running.stop();
  }
}

const never = (): Promise<never> => Promise.reject(new Error('It is only a rehearsal.'));

/** What a start with a leaf that serves does not need. */
const ABSENT: Omit<Ports, 'hub' | 'dps'> = {
  keys: { generate: never, csr: never, destroy: never },
  issuer: { issue: never },
  judge: never,
  opensAnew: async () => undefined,
};

const leaf = (): Leaf => ({
  key: { slot: 'given', id: '00' },
  chain: '',
  thumbprint: '0'.repeat(64),
  cn: HUB.deviceId,
  serial: '01',
  issuer: 'rehearsal',
  notBefore: Date.now() - DAY,
  notAfter: Date.now() + 30 * DAY,
});
