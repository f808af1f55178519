import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import { enterDps, knockDps } from '../../../test/clients/raw.ts';
import { Authority, type Identity } from '../../../test/simulator/ca.ts';
import { CHAIN_QUESTIONS, groupOf } from './chain-questions.ts';
import type { Ground } from './ground.ts';
import { bodyInWords, knocking, type Registered, registering, retryAfterOf } from './probe.ts';
import { type Answer, admitted, answer, GROUP, type Question } from './question.ts';

/** How long a connection is watched that another one may end. */
const WATCH_MS = 10_000;
const UNKNOWN_VERSION = '2031-01-01';

const Pair = v.looseObject({ primary: v.unknown(), secondary: v.unknown() });
const Individual = v.looseObject({ attestation: v.looseObject({ x509: v.looseObject({ clientCertificates: Pair }) }) });
const Identified = v.looseObject({
  status: v.string(),
  authentication: v.looseObject({ x509Thumbprint: v.looseObject({ primaryThumbprint: v.nullish(v.string()) }) }),
});

/** The identity in the hub, by the official client. @throws Error where there is none */
async function identity({ official, services }: Ground, id: string) {
  const answer = await official.call({
    client: 'registry',
    connection: services.hubService,
    method: 'get',
    args: [id],
  });
  if ('refused' in answer) throw new Error(`The hub shows no ${id}: ${answer.refused.message}`);
  return v.parse(Identified, answer.value);
}

/** A device with an individual enrollment, and the file of its leaf on the desk of the operator. */
async function individual({ ca, operator }: Ground, id: string, more = ''): Promise<Identity> {
  const leaf = await ca.clientIdentity(id);
  operator.keep(`${id}.pem`, leaf.cert);
  await operator.types(`enroll add individual --certificate ${id}.pem${more}`);
  return leaf;
}

/** Which word of a switch a refusal is. */
const shapeOf = ({ end }: Registered): 'res-401' | 'failed' | undefined =>
  end === 'refused' ? 'res-401' : end === 'failed' ? 'failed' : undefined;

async function firstAnswer(ground: Ground): Promise<Answer> {
  const { answers, seen } = await registering(ground, 'q-first', await ground.ca.clientIdentity('q-first'));
  const [first] = answers;
  if (first === undefined) return { positions: {}, seen };
  const answerAtOnce = first.topic.startsWith('200');
  return { positions: { answerAtOnce, ...(!answerAtOnce && { retryAfter: retryAfterOf(first) }) }, seen };
}

async function stranger(ground: Ground): Promise<Answer> {
  const other = await Authority.create('stranger');
  const refused = await registering(ground, 'q-stranger', await other.clientIdentity('q-stranger'));
  return answer('refusalShape', shapeOf(refused), refused.seen);
}

async function disabled(ground: Ground): Promise<Answer> {
  const leaf = await individual(ground, 'q-disabled');
  await ground.operator.types('enroll disallow device q-disabled --pem q-disabled.pem');
  const refused = await registering(ground, 'q-disabled', leaf);
  return answer('disabledShape', refused.end === 'disabled' ? 'disabled' : shapeOf(refused), refused.seen);
}

async function otherLeaf(ground: Ground): Promise<Answer> {
  await individual(ground, 'q-other-leaf');
  const registered = await registering(ground, 'q-other-leaf', await ground.ca.clientIdentity('q-other-leaf'));
  return admitted('individualDecidesFor', registered, 'held-leaf', 'registration-id');
}

async function infoAlone(ground: Ground): Promise<Answer> {
  const { official, services, ca, operator } = ground;
  operator.keep('q-info-2.pem', (await ca.clientIdentity('q-info')).cert);
  await individual(ground, 'q-info', ' --secondary q-info-2.pem');
  const call = (method: string, ...args: unknown[]) =>
    official.call({ client: 'dps', connection: services.dpsService, method, args });
  const got = await call('getIndividualEnrollment', 'q-info');
  if ('refused' in got) throw new Error(got.refused.message);
  const read = v.parse(Individual, got.value);
  const { primary, secondary } = read.attestation.x509.clientCertificates;
  const put = async (pair: object): Promise<string> => {
    const attestation = { ...read.attestation, x509: { ...read.attestation.x509, clientCertificates: pair } };
    const put = await call('createOrUpdateIndividualEnrollment', { ...read, attestation, etag: '*' });
    if (!('refused' in put)) return 'taken';
    const { status, body, message } = put.refused;
    return [status, ...(body === undefined ? [message] : bodyInWords(body))].join(', ');
  };
  const inPlace = await put({ primary, secondary });
  const moved = await put({ primary: secondary });
  const position = inPlace !== 'taken' ? 'refused' : moved === 'taken' ? 'may-move' : 'keeps-its-place';
  return answer('infoAlone', position, `in its place: ${inPlace} · in the other: ${moved}`);
}

async function never(ground: Ground): Promise<Answer> {
  const second = await ground.ca.clientIdentity('q-never');
  ground.operator.keep('q-never-2.pem', second.cert);
  const first = await individual(ground, 'q-never', ' --secondary q-never-2.pem --policy never');
  const before = await registering(ground, 'q-never', first);
  const after = await registering(ground, 'q-never', second);
  if (after.end !== 'assigned') return { positions: {}, seen: `${before.seen} · ${after.seen}` };
  const { primaryThumbprint } = (await identity(ground, 'q-never')).authentication.x509Thumbprint;
  const refreshed = primaryThumbprint?.toUpperCase() === second.thumbprint;
  return answer(
    'neverPolicyRefreshesThumbprint',
    refreshed,
    `the hub has ${refreshed ? 'the new' : 'the old'} thumbprint`,
  );
}

async function disabledIdentity(ground: Ground): Promise<Answer> {
  const leaf = await ground.ca.clientIdentity('q-out');
  await registering(ground, 'q-out', leaf);
  await ground.operator.types('enroll disable-identity q-out');
  const connack = await knocking(ground, 'q-out', leaf);
  const { seen } = await registering(ground, 'q-out', leaf);
  const { status } = await identity(ground, 'q-out');
  return {
    positions: {
      registrationEnablesDevice: status === 'enabled',
      ...((connack === 5 || connack === 3) && { disabledConnack: connack }),
    },
    seen: `CONNACK ${connack} · ${seen} · then it is ${status} in the hub`,
  };
}

async function second(ground: Ground): Promise<Answer> {
  const leaf = await ground.ca.clientIdentity('q-second');
  const one = await enterDps(ground.endpoints, 'q-second', leaf);
  const closed = new Promise<'drop-old'>((resolve) => one.once('close', () => resolve('drop-old')));
  const other = await enterDps(ground.endpoints, 'q-second', leaf);
  const position = await Promise.race([closed, pause(WATCH_MS, 'keep-both' as const)]);
  for (const client of [one, other]) client.end(true);
  return answer(
    'secondDpsConnect',
    position,
    `the first connection ${position === 'drop-old' ? 'was closed' : 'stays open'}`,
  );
}

async function versions(ground: Ground): Promise<Answer> {
  const leaf = await ground.ca.clientIdentity('q-versions');
  const asked = ['2019-03-31', '2021-06-01', '2025-07-01-preview', '2026-11-01', '2026-11-02-preview', UNKNOWN_VERSION];
  const taken = new Map<string, number | undefined>();
  for (const version of asked) {
    const { connack, client } = await knockDps(ground.endpoints, 'q-versions', leaf, version);
    client.end(true);
    taken.set(version, connack);
  }
  const isTaken = (version: string): boolean => taken.get(version) === 0;
  const newest = isTaken('2026-11-01') ? 'contract' : isTaken('2025-07-01-preview') ? 'preview' : 'classic';
  const seen = [...taken].map(([version, connack]) => `${version}: ${connack ?? 'closed'}`).join(' · ');
  return answer('dpsVersions', isTaken(UNKNOWN_VERSION) ? 'any' : newest, seen);
}

export const DPS_QUESTIONS: readonly Question[] = [
  { title: 'The first answer to a registration', of: ['answerAtOnce', 'retryAfter'], ask: firstAnswer },
  { title: 'A leaf of a CA that is not enrolled', of: ['refusalShape'], ask: stranger },
  { title: 'A disabled enrollment', of: ['disabledShape'], ask: disabled },
  {
    title: "A leaf of the group's CA, and an individual enrollment with another one",
    of: ['individualDecidesFor'],
    ask: otherLeaf,
  },
  { title: 'A write with `info` alone', of: ['infoAlone'], ask: infoAlone },
  ...CHAIN_QUESTIONS,
  { title: 'The policy "never", and another leaf', of: ['neverPolicyRefreshesThumbprint'], ask: never },
  {
    title: 'An identity that is disabled in the hub',
    of: ['disabledConnack', 'registrationEnablesDevice'],
    ask: disabledIdentity,
  },
  { title: 'A second connection with the same ID', of: ['secondDpsConnect'], ask: second },
  { title: 'Which api-versions DPS knows', of: ['dpsVersions'], ask: versions },
];

/** What the questions need: the group of the CA that issues. */
export const prepare = async (ground: Ground): Promise<void> =>
  groupOf(ground, GROUP, await ground.pem('intermediate'));
