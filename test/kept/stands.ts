import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { failure } from '../../agent/failure/failure.ts';
import { leaveWords } from '../../agent/state/last-words.ts';
import { PinRecord } from '../../hsm/pin-record.ts';
import { openCommand } from '../contract/issuer/command.ts';
import { FACTORY_ID, importFactoryKey } from '../e2e/stage/factory-key.ts';
import { type Ended, Gateway } from '../e2e/stage/gateway.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import type { Stand } from './law.ts';

const HOUR = 3_600_000;

export interface Story {
  readonly name: string;
  settings?(far: Simulator, directory: string): Promise<Readonly<Record<string, string>>>;
  /** Before the first start; a group enrolls the CA else. */
  enroll?(far: Simulator, gateway: Gateway): Promise<void>;
  /** Once it runs for the first time: until it serves. */
  provision?(stand: Stand): Promise<void>;
  /** Brings the running daemon to the moment in which its files are changed. */
  ready?(stand: Stand): Promise<void>;
  /** What is done while it is stopped. */
  stopped?(stand: Stand): Promise<void>;
  /** Another leaf, to the end. */
  roll?(stand: Stand): Promise<Ended>;
  /** Keys that are not newleaf's. */
  readonly own?: readonly string[];
}

const rolled = ({ gateway }: Stand) => gateway.command('roll', '--wait');
const read = ({ gateway }: Pick<Stand, 'gateway'>, name: string) =>
  readFileSync(join(gateway.stateDirectory, name), 'utf8');

/** A person asks for the CSR, has it signed, and brings the leaf. */
async function brings({ far, gateway }: Stand): Promise<Ended> {
  const { code, out, err } = await gateway.command('csr');
  if (code !== 0) return { code, out, err };
  gateway.file('signed.pem', await far.issue(out), 0o644);
  return gateway.command('install', join(gateway.directory, 'signed.pem'), '--wait');
}

/** A CA at which a person works: it gives a ticket, and knows no other. */
const counter = (decided: string, sign: readonly string[]) => `#!/bin/sh
case $CERTMONGER_CA_COOKIE in
  '') ;;
  ticket) [ -e ${decided} ] && exec ${sign.join(' ')} ;;
  *) echo "There is no ticket $CERTMONGER_CA_COOKIE." >&2; exit 2 ;;
esac
printf '1\nticket\n'
exit 5
`;

/** What newleaf keeps only until its next start. */
async function leaves({ gateway }: Stand): Promise<void> {
  const { stateDirectory: directory, token } = gateway;
  const called = `newleaf (serial ${token.serial()})`;
  await new PinRecord(directory).refused('no PIN', called, 'CKR_PIN_INCORRECT');
  await leaveWords(directory, failure('NL-TOKEN-CRASHED'), Date.now(), 1);
  writeFileSync(join(directory, 'crashed'), 'SEGV\n');
  writeFileSync(join(directory, '.state.json.new'), '{"format":3');
}

const closing = new Map<Simulator, () => unknown>();
const directories = new Map<Gateway, string>();
const decidedOf = (gateway: Gateway) => join(directories.get(gateway) ?? '', 'decided');
const quiet = (gateway: Gateway, isSo: Parameters<Gateway['until']>[0]) => gateway.until(isSo, PATIENCE_MS);

export const STORIES: readonly Story[] = [
  {
    name: 'at rest',
    async provision({ gateway }) {
      await gateway.settled();
      await gateway.program('sensors');
      await gateway.keyedProgram('meter');
    },
  },
  {
    name: 'CSR out',
    async ready({ far, gateway }) {
      const since = far.log.entries.length;
      await far.lay('est', 'est-wait', { retryAfter: '3600' });
      await gateway.post('/v1/roll', { id: `roll-${since}` });
      await quiet(gateway, ({ phase }) => phase === 'requesting-leaf');
      await far.log.waitFor({ event: 'request', server: 'est' }, PATIENCE_MS, since);
    },
    async roll(stand) {
      await stand.far.lift('est');
      return rolled(stand);
    },
  },
  {
    name: 'parked',
    enroll: async () => {},
    async provision(stand) {
      await quiet(stand.gateway, ({ next }) => next?.standing === 'parked');
      await stand.far.enrollIndividual({
        registrationId: stand.gateway.registrationId,
        primary: read(stand, 'next.pem'),
      });
      await stand.gateway.command('reprovision', '--wait');
    },
    async ready(stand) {
      await stand.gateway.post('/v1/roll', { id: `roll-${stand.far.log.entries.length}` });
      await quiet(stand.gateway, ({ next }) => next?.standing === 'parked');
    },
    async roll(stand) {
      const { next } = await stand.gateway.status();
      if (next?.standing !== 'parked') await rolled(stand);
      const [primary, secondary] = ['leaf.pem', 'next.pem'].map((name) => read(stand, name));
      const { registrationId } = stand.gateway;
      try {
        await stand.far.enrollIndividual({ registrationId, primary: primary ?? '', secondary: secondary ?? '' });
      } catch (error) {
        // DPS takes no such file. newleaf looks after it each minute.
        const deadline = Date.now() + 70_000;
        while (read(stand, 'next.pem') === secondary && Date.now() < deadline) await pause(500);
        return { code: 1, out: '', err: String(error) };
      }
      return stand.gateway.command('reprovision', '--wait');
    },
  },
  {
    name: 'a person brings leaves',
    settings: async () => ({ 'leaf.issuer': '"inbox"' }),
    async provision(stand) {
      await quiet(stand.gateway, ({ person }) => person);
      await brings(stand);
    },
    async ready({ gateway }) {
      await gateway.command('csr');
    },
    async stopped({ gateway }) {
      for (const place of ['inbox', 'rejected'])
        if (existsSync(join(gateway.stateDirectory, place)))
          writeFileSync(join(gateway.stateDirectory, place, 'leaf.pem'), read({ gateway }, 'leaf.pem'));
    },
    roll: brings,
  },
  {
    name: 'Azure',
    own: ['factory'],
    settings: async () => ({ 'leaf.issuer': '"azure"', 'onboarding.key': `"pkcs11:id=%${FACTORY_ID}"` }),
    async enroll(far, gateway) {
      await far.createPolicy('monthly', 30 * 24 * HOUR);
      const primary = far.endpoints.issuerPem;
      await far.enrollGroup({ groupId: 'gateways', primary, certificatePolicy: { policy: 'monthly' } });
      importFactoryKey(gateway, await far.clientIdentity(gateway.registrationId));
    },
    async stopped({ gateway }) {
      const file = join(gateway.stateDirectory, 'azure-requests');
      if (!existsSync(file)) return;
      const record = JSON.parse(readFileSync(file, 'utf8')) as { readonly asked: readonly number[] };
      writeFileSync(file, JSON.stringify({ ...record, asked: record.asked.map((at) => at - HOUR) }));
    },
    async roll(stand) {
      rmSync(join(stand.gateway.stateDirectory, 'azure-requests'), { force: true });
      return rolled(stand);
    },
  },
  { name: 'notes', ready: leaves },
  {
    name: 'adopted',
    async ready({ gateway }) {
      // A key in the other place leaves room for a new one: then the gateway begins anew, and no leaf is missing.
      while ((await gateway.settled()).leaf?.slot !== 'a') await gateway.command('roll', '--wait');
      writeFileSync(join(gateway.stateDirectory, 'adopted.pem'), read({ gateway }, 'chain.pem'));
    },
    async stopped({ gateway }) {
      rmSync(join(gateway.stateDirectory, 'state.json'), { force: true });
    },
    async roll(stand) {
      const { gateway } = stand;
      if ((await gateway.status()).leaf === undefined) {
        const { out } = await gateway.command('status');
        if (!out.replaceAll(/(\s\\)?\s+/g, ' ').includes('newleaf init --adopt token --yes'))
          return { code: 1, out, err: '' };
        await gateway.stop();
        const adopted = await gateway.command('init', '--adopt', 'token', '--yes');
        if (adopted.code !== 0) return adopted;
        await gateway.start();
      }
      return rolled(stand);
    },
  },
  {
    name: 'a command',
    async settings(far, directory) {
      const { settings, close } = await openCommand(far);
      const argv: readonly string[] = JSON.parse(settings['issuer.command.argv'] ?? '[]');
      const program = join(directory, 'counter');
      writeFileSync(program, counter(join(directory, 'decided'), argv), { mode: 0o755 });
      writeFileSync(join(directory, 'decided'), '');
      if (close) closing.set(far, close);
      return { ...settings, 'issuer.command.argv': JSON.stringify([program]) };
    },
    async ready({ far, gateway }) {
      rmSync(decidedOf(gateway), { force: true });
      await gateway.post('/v1/roll', { id: `roll-${far.log.entries.length}-${Date.now()}` });
      const cookie = join(gateway.stateDirectory, 'command-cookie');
      while (!existsSync(cookie)) await quiet(gateway, ({ phase }) => phase === 'requesting-leaf');
    },
    async roll(stand) {
      writeFileSync(decidedOf(stand.gateway), '');
      return rolled(stand);
    },
  },
];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A far side, and a gateway that serves. */
export async function standOf(story: Story, registrationId = 'gw-0001'): Promise<Stand & { remove(): Promise<void> }> {
  const far = await startSimulator();
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-stand-'));
  const settings = await story.settings?.(far, directory);
  const gateway = new Gateway(far.endpoints, {
    registrationId,
    settings: { 'uplink.tcp': `"127.0.0.1:${await freePort()}"`, ...settings },
  });
  directories.set(gateway, directory);
  // A second authority, so that what has vouched is worth a note.
  writeFileSync(join(gateway.directory, 'trust.pem'), `${far.endpoints.trustPem}\n${far.endpoints.estCaPem}`);
  if (story.enroll) await story.enroll(far, gateway);
  else await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const stand: Stand = { far, gateway, roll: () => (story.roll ?? rolled)(stand) };
  const remove = async () => {
    await gateway.remove();
    await far.close();
    await closing.get(far)?.();
    rmSync(directory, { recursive: true });
  };
  await gateway.start();
  await (story.provision?.(stand) ?? gateway.settled());
  await gateway.settled();
  return { ...stand, remove };
}
