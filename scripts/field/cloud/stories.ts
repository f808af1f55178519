import assert from 'node:assert/strict';
import type { Status } from '../../../agent/roll/report.ts';
import { STORIES, type Story } from '../../../test/e2e/roll/stories.ts';
import { importFactoryKey } from '../../../test/e2e/stage/factory-key.ts';
import type { Gateway } from '../../../test/e2e/stage/gateway.ts';
import type { ClientIdentity } from '../../../test/simulator/ca.ts';
import type { Ground, Level } from './ground.ts';
import { findable } from './lag.ts';
import { shutOut } from './probe.ts';

/** A real service, over a real line. */
export const PATIENCE_MS = 180_000;

/** What is played, and with which of the ways that the page of the operator leaves open. */
export interface Play {
  readonly title: string;
  readonly play: (ground: Ground, id: string) => Promise<void>;
}

interface Scene {
  readonly ground: Ground;
  readonly id: string;
  readonly gateway: Gateway;
  /** A line of the page of the operator, for this device and its group. */
  types(line: string, expected?: number): Promise<void>;
}

export const settledOn = (gateway: Gateway, thumbprint: string): Promise<Status> =>
  gateway.until(
    ({ phase, online, request, leaf }) =>
      phase === 'serving' && online && request === undefined && leaf?.thumbprint === thumbprint,
    PATIENCE_MS,
  );

export const settledOnOther = (gateway: Gateway, thumbprint: string): Promise<Status> =>
  gateway.until(
    ({ phase, online, request, leaf }) =>
      phase === 'serving' && online && request === undefined && leaf !== undefined && leaf.thumbprint !== thumbprint,
    PATIENCE_MS,
  );

/** Starts a gateway, and waits until it serves. @returns the thumbprint of its leaf */
export async function begun(gateway: Gateway): Promise<string> {
  await gateway.start();
  const { leaf } = await gateway.until(
    ({ phase, online, request }) => phase === 'serving' && online && request === undefined,
    PATIENCE_MS,
  );
  return leaf?.thumbprint ?? '';
}

/** Runs a command of newleaf. @throws Error where it does not end with `code`; its first line says so */
export async function command(gateway: Gateway, words: readonly string[], code = 0): Promise<string> {
  const ended = await gateway.command(...words);
  assert.equal(
    ended.code,
    code,
    `newleaf ${words.join(' ')} ended with ${ended.code}, and not with ${code}.\n${ended.out}${ended.err}`,
  );
  return ended.out;
}

function staged(ground: Ground, id: string, gateway: Gateway): Scene {
  return {
    ground,
    id,
    gateway,
    types: async (line, expected = 0) => {
      await ground.operator.types(line.replaceAll('gw-0001', id).replaceAll('gateways', `${id}-group`), expected);
    },
  };
}

/** The lines of a story, where each choice is taken by its index. */
function linesOf(story: Story, ...choices: readonly number[]): readonly string[] {
  const open = [...choices];
  return STORIES[story].operator.map((line) => (typeof line === 'string' ? line : (line[open.shift() ?? 0] ?? '')));
}

/** A gateway with a key from the factory, of which a thief has a copy. */
async function factory(ground: Ground, id: string): Promise<Scene & { readonly stolen: ClientIdentity }> {
  const gateway = ground.gateway(id, { settings: { 'hsm.key': '"pkcs11:object=factory"' } });
  const stolen = await ground.ca.clientIdentity(id);
  importFactoryKey(gateway, stolen);
  ground.operator.keep(`${id}.pem`, stolen.cert);
  return { ...staged(ground, id, gateway), stolen };
}

/** A roll with an individual enrollment waits for the operator. @returns the thumbprint of the new leaf */
async function parked({ gateway, types }: Scene, roll: string): Promise<string> {
  await types(roll, 1);
  return (await gateway.status()).next?.leaf?.thumbprint ?? '';
}

async function individualBreach(ground: Ground, id: string, both: boolean, way: number): Promise<void> {
  const scene = await factory(ground, id);
  const { gateway, types, stolen } = scene;
  const spare = await ground.ca.clientIdentity(id);
  ground.operator.keep(`${id}-spare.pem`, spare.cert);
  await types(`enroll add individual --certificate ${id}.pem${both ? ` --secondary ${id}-spare.pem` : ''}`);
  await begun(gateway);
  const [roll = '', replace = '', call = ''] = linesOf(both ? 'individual breach of both' : 'individual breach', way);
  const thumbprint = await parked(scene, roll);
  await types(replace);
  await types(call);
  await settledOn(gateway, thumbprint);
  for (const leaf of both ? [stolen, spare] : [stolen]) await shutOut(ground, id, leaf);
}

/** A gateway that serves by an individual enrollment, made from what `newleaf init` prints. */
async function enrolled(ground: Ground, id: string): Promise<Scene> {
  const gateway = ground.gateway(id);
  const scene = staged(ground, id, gateway);
  ground.operator.keep(`${id}.pem`, await command(gateway, ['init'], 4));
  await scene.types(`enroll add individual --certificate ${id}.pem`);
  await command(gateway, ['init']);
  await begun(gateway);
  return scene;
}

async function individualExpiry(ground: Ground, id: string): Promise<void> {
  const scene = await enrolled(ground, id);
  const [roll = '', enroll = '', call = '', promote = '', again = ''] = linesOf('individual expiry');
  const thumbprint = await parked(scene, roll);
  for (const line of [enroll, call]) await scene.types(line);
  await settledOn(scene.gateway, thumbprint);
  for (const line of [promote, again]) await scene.types(line);
  await settledOn(scene.gateway, thumbprint);
}

/** The certificates of the group's CA, as the story names their files. */
const FILES = {
  root: ['our-root.pem', 'our-root-2.pem'],
  intermediate: ['issuing-ca.pem', 'issuing-ca-2.pem'],
} as const;

async function groupOf(ground: Ground, id: string, level: Level): Promise<Scene> {
  const { operator } = ground;
  const scene = staged(ground, id, ground.gateway(id));
  operator.keep(FILES[level][0], await ground.pem(level));
  await scene.types(`enroll add group gateways --certificate ${FILES[level][0]}`);
  return scene;
}

async function groupBreach(ground: Ground, id: string, level: Level, way: number): Promise<void> {
  const { gateway, types } = await groupOf(ground, id, level);
  const old = await begun(gateway);
  const forged = await ground.ca.clientIdentity(id);
  await ground.roll(level);
  ground.operator.keep(FILES[level][1], await ground.pem(level));
  for (const line of linesOf(`group breach of the ${level}`, way)) await types(line);
  await settledOnOther(gateway, old);
  await shutOut(ground, id, forged);
}

async function groupExpiry(ground: Ground, id: string, level: Level): Promise<void> {
  const { gateway, types } = await groupOf(ground, id, level);
  const old = await begun(gateway);
  await ground.roll(level);
  ground.operator.keep(FILES[level][1], await ground.pem(level));
  const [secondary = '', roll = '', promote = '', again = ''] = linesOf(`group expiry of the ${level}`);
  for (const line of [secondary, roll]) await types(line);
  const { leaf } = await settledOnOther(gateway, old);
  for (const line of [promote, again]) await types(line);
  await settledOn(gateway, leaf?.thumbprint ?? '');
}

async function reprovisioned(ground: Ground, id: string): Promise<void> {
  const scene = await enrolled(ground, id);
  const [roll = '', enroll = ''] = linesOf('reprovision');
  const thumbprint = await parked(scene, roll);
  await scene.types(enroll);
  await findable(ground, id);
  await scene.types(`enroll reprovision --job "deviceId = 'gw-0001'"`);
  await settledOn(scene.gateway, thumbprint);
}

async function disallowed(ground: Ground, id: string): Promise<void> {
  const { gateway, types } = await enrolled(ground, id);
  const [bar = '', disable = '', allow = '', enable = ''] = linesOf('disallow');
  await types(bar);
  await types(disable);
  await gateway.until(({ online }) => !online, PATIENCE_MS);
  await types(allow);
  await types(enable);
  await command(gateway, ['reprovision', '--wait']);
  await gateway.until(({ online, phase }) => online && phase === 'serving', PATIENCE_MS);
}

const PLAYED: Readonly<Record<Story, Play['play']>> = {
  'individual breach': (ground, id) => individualBreach(ground, id, false, 0),
  'individual breach of both': (ground, id) => individualBreach(ground, id, true, 1),
  'individual expiry': individualExpiry,
  'group breach of the root': (ground, id) => groupBreach(ground, id, 'root', 0),
  'group breach of the intermediate': (ground, id) => groupBreach(ground, id, 'intermediate', 1),
  'group expiry of the root': (ground, id) => groupExpiry(ground, id, 'root'),
  'group expiry of the intermediate': (ground, id) => groupExpiry(ground, id, 'intermediate'),
  reprovision: reprovisioned,
  disallow: disallowed,
};

/** The nine stories of rolling a certificate (scripts/enrollment/README.md). */
export const PLAYS: readonly Play[] = Object.entries(PLAYED).map(([story, play]) => ({
  title: STORIES[story as Story].title,
  play,
}));
