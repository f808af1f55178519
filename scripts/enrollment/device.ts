import * as v from 'valibot';
import { type CommandError, Failed, Misuse } from '../../agent/cli/kit/command.ts';
import { printable } from '../../agent/cli/kit/screen.ts';
import { certificateOf, demandLeaf, type Given } from './certificate.ts';
import type { Enrollment } from './enrollment.ts';
import type { Hub } from './hub.ts';
import type { MethodCall } from './hub-answers.ts';
import { NAME } from './name.ts';
import { newleafIn } from './newleaf.ts';
import { MOST_WORDS } from './refusal.ts';

const LEAF_STATUS: MethodCall = { methodName: 'leafStatus', payload: { pem: true }, responseTimeoutInSeconds: 30 };

/** The leaves of a device, as it sends them over the hub. */
export interface Sent {
  readonly registrationId: string;
  readonly leaf?: Given;
  readonly next?: Given;
  /** The key of the next leaf is there, and the leaf is not. */
  readonly isUnsigned: boolean;
}

const MOST_OPERANDS = 20;
const BY_FILE = 'or give its certificate by a file: --certificate next.pem (promote: --pem leaf.pem).';

const Certified = v.optional(v.looseObject({ pem: v.optional(v.string()) }));
const Answer = v.looseObject({ registrationId: v.string(), leaf: Certified, next: Certified });
const Refusal = v.looseObject({ field: v.optional(v.string()), message: v.optional(v.string()) });

/** The device in the hub of an individual enrollment. */
export const deviceOf = ({ id, body }: Enrollment): string => String(body.deviceId ?? id);

/**
 * Asks the device for its leaves. The sentences name no device: those of many devices are grouped by them.
 * @throws Failed where it does not answer, or not well
 */
export async function sentBy(hub: Hub, deviceId: string): Promise<Sent> {
  const answered = await hub.call(deviceId, LEAF_STATUS);
  if (typeof answered === 'string') throw unanswered(answered);
  const { status, payload } = answered;
  const told = v.safeParse(Answer, payload);
  if (status !== 200 || !told.success) throw refused(status, payload);
  const { registrationId, leaf, next } = told.output;
  const [mine, waiting] = [leaf?.pem, next?.pem].map((pem) =>
    pem === undefined ? undefined : judged(() => certificateOf(pem, `the answer of ${deviceId}`)),
  );
  if (waiting !== undefined) await demandReported(hub, deviceId, waiting);
  const isUnsigned = next !== undefined && waiting === undefined;
  return { registrationId, isUnsigned, ...(mine && { leaf: mine }), ...(waiting && { next: waiting }) };
}

function unanswered(why: string): Failed {
  if (/404001|DeviceNotFound/.test(why)) {
    return new Failed('This hub has no such device.', { advice: `Which hub it has: ${NAME} show device ANY` });
  }
  if (!/404103|DeviceNotOnline/.test(why)) return new Failed(why);
  return new Failed('The device is not connected to the hub (404103).', {
    advice: `Repeat when it is back, ${BY_FILE}`,
  });
}

function refused(status: number, payload: unknown): Failed {
  const said = v.safeParse(Refusal, payload);
  const { field, message = 'no status of newleaf' } = said.success ? said.output : {};
  if (status !== 400 || field !== 'pem') {
    return new Failed(printable(`The device answers ${status}: ${message.slice(0, MOST_WORDS)}`));
  }
  return new Failed('The newleaf of the device is too old to send a certificate.', { advice: `Update it, ${BY_FILE}` });
}

/** The twin is written by the device, too: where the two differ, one of them is from before a change. */
async function demandReported(hub: Hub, deviceId: string, { thumbprint }: Given): Promise<void> {
  const twin = await hub.twin(deviceId);
  if (newleafIn(twin?.reported)?.next?.thumbprint === thumbprint) return;
  const advice = 'Repeat in a minute.';
  throw new Failed('The device has sent another next leaf than its twin tells of.', { advice });
}

/** The condition as an option of the next command, for the shell. */
export const conditioned = (option: 'job' | 'where', condition: string): string =>
  `--${option} "${printable(condition.replace(/["$`\\]/g, '\\$&'))}"`;

/** The cure for members of a group, whose leaves have no enrollment of their own. */
export const ADMIT_CA = `${NAME} roll-group intermediate NAME --certificate CA.pem`;
export const OF_GROUP = `For members of a group, admit the CA that issued the leaf: ${ADMIT_CA}`;

/** As operands of the next command: more than a few would fill the screen. */
export const operands = (ids: readonly string[]): string =>
  isFew(ids) ? printable(ids.toSorted().join(' ')) : 'DEVICE...';

/** The same, or in their place the condition that they meet, where that is known. */
export const those = (ids: readonly string[], condition?: string): string =>
  condition === undefined || isFew(ids) ? operands(ids) : conditioned('where', condition);

const isFew = (ids: readonly string[]): boolean => ids.length <= MOST_OPERANDS;

/** A new leaf waits on the device, and its enrollment does not hold it. */
export class Unenrolled extends Failed {
  readonly thumbprint: string;

  constructor(thumbprint: string) {
    super('A new leaf waits on the device for its enrollment.', {
      advice: `Enroll it: ${NAME} set-secondary ID --from-device`,
    });
    this.thumbprint = thumbprint;
  }
}

/**
 * The same with the names of devices in its advice, in the place of DEVICE, with registration IDs in that of ID, and with one of
 * these in that of ANY. Of one device, also with the leaf that waits.
 */
export function addressed(error: CommandError, devices: readonly string[], ids = devices): Failed {
  const { message, advice, cause } = error;
  const leaf = error instanceof Unenrolled && ids.length === 1 ? ` ${error.thumbprint}` : '';
  const named = advice
    ?.replaceAll('DEVICE', operands(devices))
    .replaceAll(/\bID\b/g, operands(ids))
    .replaceAll('ANY', ids[0] ?? 'ID');
  return new Failed(`${message}${leaf}`, { cause, ...(named !== undefined && { advice: named }) });
}

/** @throws Failed where there is no next leaf, or it does not fit */
export function nextOf({ next, isUnsigned }: Sent, { id }: Enrollment, now: number): Given {
  if (next === undefined && isUnsigned) {
    throw new Failed('The issuer has not signed the next leaf yet.', { advice: 'On the device: newleaf status' });
  }
  if (next === undefined) {
    throw new Failed('The device has no next leaf.', {
      advice: `Have it make one: ${NAME} reprovision DEVICE --action roll`,
    });
  }
  judged(() => demandLeaf(next, id, now));
  return next;
}

/** A wrong certificate is here no fault of the command line. */
function judged<T>(judge: () => T): T {
  try {
    return judge();
  } catch (error) {
    throw error instanceof Misuse ? new Failed(printable(error.message)) : error;
  }
}
