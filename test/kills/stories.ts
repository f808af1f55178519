import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { askSocket } from '../../agent/control/client.ts';
import type { Status } from '../../agent/roll/report.ts';
import { openCommand } from '../contract/issuer/command.ts';
import { Counting } from '../e2e/stage/counting.ts';
import { FACTORY_ID, importFactoryKey } from '../e2e/stage/factory-key.ts';
import type { Gateway } from '../e2e/stage/gateway.ts';
import type { Simulator } from '../simulator/simulator.ts';

export const ID = 'gw-0001';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export interface At {
  readonly far: Simulator;
  readonly gateway: Gateway;
  /** Programs that count, where the story has some. */
  readonly programs: Counting[];
  /** IDs of the requests that the daemon has accepted in this round. */
  readonly accepted: Set<string>;
}

/** What a daemon does while it is killed. */
export interface Story {
  readonly name: string;
  /** Of the kills, so many parts are of this story. */
  readonly weight: number;
  /** Leaves that the story takes, where nothing is killed. Default one at most. */
  readonly leaves?: number;
  /** Each time it begins with an empty token, and no state. */
  readonly isFirst?: true;
  /** The gateway has a TPM, and no token. */
  readonly isTpm?: true;
  /** What it adds to the configuration. Called once for each gateway. */
  settings?(t: TestContext, far: Simulator): Promise<Readonly<Record<string, string>>>;
  /** Once, before the first start; without it a group enrolls the CA. */
  enroll?(at: At): Promise<void>;
  /** Once, as the daemon runs for the first time: until it serves. */
  provision?(at: At): Promise<void>;
  /** The story, to its end: it rejects where the daemon dies. @param id of the request that the daemon is asked */
  play(at: At, id: string): Promise<void>;
  /** Takes away what the story has laid, after a kill. */
  heal?(at: At): Promise<void>;
  /** Brings to an end what a daemon cannot end alone that was started again. */
  mend?(at: At, id: string): Promise<void>;
}

/** Longest wait, on a machine that is busy with other tests, in milliseconds. */
export const PATIENCE_MS = 300_000;

/** Waits until the gateway serves, with nothing left to do. */
export const settled = ({ gateway }: At, isSo: (status: Status) => boolean = () => true): Promise<Status> =>
  gateway.until(
    (status) => status.phase === 'serving' && status.online && status.request === undefined && isSo(status),
    PATIENCE_MS,
  );
const ended = (at: At, id: string) => settled(at, ({ last }) => last?.id === id);
const asks =
  (path: '/v1/roll' | '/v1/reprovision'): Story['play'] =>
  async (at, id) => {
    await asked(at, path, { id });
    await ended(at, id);
  };

type Path = '/v1/roll' | '/v1/reprovision' | '/v1/csr' | '/v1/leaf';

async function asked(
  { gateway, accepted }: At,
  path: Path,
  body: { readonly id?: string; readonly [field: string]: unknown },
) {
  const reply = await askSocket(gateway.socket, 'POST', path, body);
  if (reply.status >= 300) throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  if (body.id !== undefined) accepted.add(body.id);
  return reply.body;
}

const leafIn = ({ gateway }: At, name: 'leaf.pem' | 'next.pem') =>
  readFileSync(join(gateway.stateDirectory, name), 'utf8');

/** For the pace of leaves, three within an hour: what was asked for is an hour older. The request that is open stays open. */
function anHourPasses({ gateway }: At): void {
  const file = join(gateway.stateDirectory, 'azure-requests');
  if (!existsSync(file)) return;
  const record = JSON.parse(readFileSync(file, 'utf8')) as { readonly asked: readonly number[] };
  writeFileSync(file, JSON.stringify({ ...record, asked: record.asked.map((at) => at - HOUR) }));
}

/** A person takes the CSR to a CA, and brings the leaf. */
async function signs(at: At, id: string): Promise<void> {
  const { csr } = (await asked(at, '/v1/csr', {})) as { csr: string };
  await asked(at, '/v1/leaf', { leaf: await at.far.issue(csr), id });
}

/** The operator enrolls what is parked. */
async function enrolls(at: At, id: string): Promise<void> {
  const { far, gateway } = at;
  const next = leafIn(at, 'next.pem');
  const leaf = existsSync(join(gateway.stateDirectory, 'leaf.pem')) ? leafIn(at, 'leaf.pem') : next;
  await far.enrollIndividual({ registrationId: ID, primary: leaf, secondary: next });
  await asked(at, '/v1/reprovision', { id });
  await ended(at, id);
}

const parked: Story['play'] = async (at, id) => {
  await asked(at, '/v1/roll', { id });
  await at.gateway.until(({ next, request }) => next?.standing === 'parked' && request === undefined, PATIENCE_MS);
  await enrolls(at, `${id}-enrolled`);
};
const isParked = async ({ gateway }: At) => (await gateway.status()).next?.standing === 'parked';

export const STORIES: readonly Story[] = [
  { name: 'first provisioning', weight: 3, isFirst: true, play: async () => {} },
  { name: 're-registration', weight: 2, play: asks('/v1/reprovision') },
  { name: 'roll, EST', weight: 3, play: asks('/v1/roll') },
  {
    name: 'roll, command',
    weight: 2,
    async settings(t, far) {
      const { settings, close } = await openCommand(far);
      t.after(() => close?.());
      return settings;
    },
    play: asks('/v1/roll'),
  },
  {
    name: 'roll, person',
    weight: 2,
    settings: async () => ({ 'leaf.issuer': '"inbox"' }),
    async provision(at) {
      await at.gateway.until(({ person }) => person, PATIENCE_MS);
      await signs(at, 'first');
      await settled(at);
    },
    async play(at, id) {
      await signs(at, id);
      await ended(at, id);
    },
    async mend(at, id) {
      if ((await at.gateway.status()).next?.standing !== 'waiting') return;
      await signs(at, id);
      await ended(at, id);
    },
  },
  {
    name: 'roll, Azure over the hub',
    weight: 2,
    settings: async () => ({ 'leaf.issuer': '"azure"', 'onboarding.key': `"pkcs11:id=%${FACTORY_ID}"` }),
    async enroll({ far, gateway }) {
      await far.createPolicy('monthly', 30 * DAY);
      const primary = far.endpoints.issuerPem;
      await far.enrollGroup({ groupId: 'gateways', primary, certificatePolicy: { policy: 'monthly' } });
      importFactoryKey(gateway, await far.clientIdentity(ID));
    },
    async play(at, id) {
      anHourPasses(at);
      await asks('/v1/roll')(at, id);
    },
    heal: async (at) => anHourPasses(at),
  },
  {
    name: 'parked, then enrolled',
    weight: 2,
    async enroll() {},
    async provision(at) {
      await at.gateway.until(({ next }) => next?.standing === 'parked', PATIENCE_MS);
      await enrolls(at, 'first');
    },
    play: parked,
    async mend(at, id) {
      if (await isParked(at)) await enrolls(at, id);
    },
  },
  {
    name: 'abandoned',
    weight: 1,
    leaves: 2,
    async play(at, id) {
      await at.far.lay('dps', 'silent');
      await asked(at, '/v1/roll', { id });
      await at.gateway.until(({ phase }) => phase === 'registering-next', PATIENCE_MS);
      // Before the answer, which a kill may keep from here: the request is discarded all the same.
      at.accepted.delete(id);
      await asked(at, '/v1/roll', { id: `${id}-other`, discard: true });
      await at.gateway.until(({ phase }) => phase === 'abandoning', PATIENCE_MS);
      await at.far.lift('dps');
      await ended(at, `${id}-other`);
    },
    heal: ({ far }) => far.lift('dps'),
  },
  {
    name: 'another hub',
    weight: 2,
    async play(at, id) {
      const { hub } = (await at.far.device(ID)) ?? {};
      await at.far.assign(ID, hub === 'hub1' ? 'hub2' : 'hub1');
      await asks('/v1/reprovision')(at, id);
    },
  },
  { name: 'TPM, another key', weight: 2, isTpm: true, play: asks('/v1/reprovision') },
  {
    name: 'roll, with programs',
    weight: 3,
    settings: async () => ({ 'uplink.rate': '1000' }),
    async provision(at) {
      await settled(at);
      const { gateway, programs } = at;
      for (const name of ['sensors', 'meter']) programs.push(new Counting(name, await gateway.program(name)));
    },
    play: asks('/v1/roll'),
  },
];
