import { type HubSession, USER_REQUEST } from '../mqtt/hub-session.ts';
import { fieldsIn, isObject, jsonIn } from '../mqtt/json.ts';
import { type KeptPatch, LARGEST_PATCH } from './kept-patch.ts';
import type { Client, Message } from './ports.ts';
import type { Program } from './program.ts';
import type { Arrived } from './topics.ts';

/** How long a request waits for an answer, with or without a session, in milliseconds. */
const PATIENCE_MS = 30_000;
const MOST_WAITING = 64;
/** A hub that has put off for ten minutes what was kept. */
const LONG_TRIES = 20;
/** The reported property that newleaf owns. */
const RESERVED = 'newleaf';
const READ = '$iothub/twin/GET/?$rid=';
const WRITE = '$iothub/twin/PATCH/properties/reported/?$rid=';

interface Request {
  /** Undefined where newleaf itself asks. */
  readonly client: Client | undefined;
  /** As the program names it. */
  readonly request: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly late: NodeJS.Timeout;
}

/** The twin, shared: each program gets the answers to its own requests, and every change of the desired properties. */
export class SharedTwin {
  readonly #waiting = new Map<string, Request>();
  readonly #programs: () => readonly Program[];
  /** What programs have written while the hub was away. What they write waits behind it. */
  readonly #reported: KeptPatch;
  readonly #refused: (status: number) => void;
  #session: HubSession | undefined;
  #count = 0;
  /** How often what was kept was sent in vain. */
  #tries = 0;
  /** The version of the desired properties that the hub has told last. */
  #version: number | undefined;
  /** The one before the session was away, until it is known whether there was a change. */
  #before: number | undefined;

  /** @param refused the hub does not take what was written while it was away, or not now */
  constructor(programs: () => readonly Program[], reported: KeptPatch, refused: (status: number) => void) {
    this.#programs = programs;
    this.#reported = reported;
    this.#refused = refused;
  }

  /** Whether the hub seems to throttle. */
  get isThrottled(): boolean {
    return this.#tries >= LONG_TRIES;
  }

  get #isHeld(): boolean {
    return this.#session === undefined || this.#reported.payload !== undefined;
  }

  opened(session: HubSession): void {
    this.#session = session;
    void session.closed.then(() => {
      if (this.#session !== session) return;
      this.#session = undefined;
      this.#keep();
    });
    const waiting = [...this.#waiting];
    this.#report();
    // Reading and writing the same again does no harm.
    for (const [id, asked] of waiting) this.#send(id, asked);
    this.#before ??= this.#version;
  }

  /**
   * The hub tells changes from now on. Those before are not kept for a session that was away, nor for a program that has read the
   * twin a moment ago: the version tells whether there was one.
   */
  followed(): void {
    this.#before ??= this.#version;
    this.#look();
  }

  read(client: Client, request: string): void {
    this.#ask(client, request, READ, NOTHING);
  }

  write(client: Client, request: string, payload: Uint8Array): void {
    const refusal = patchFault(payload);
    if (refusal === undefined) this.#ask(client, request, WRITE, payload);
    else answer(client, request, 400, refusal);
    if (this.#isHeld) this.#keep();
  }

  /** Keeps what programs have written, in order, as far as it can be kept. */
  #keep(): void {
    for (const [id, asked] of this.#waiting) {
      const { client, request, topic, payload } = asked;
      if (client === undefined || topic !== WRITE) continue;
      if (!this.#reported.add(payload)) return;
      this.#forget(id, asked);
      deliver(client, { topic: `$iothub/twin/res/204/?$rid=${request}`, payload: NOTHING });
    }
  }

  /** Sends what was kept. */
  #report(): void {
    const { payload } = this.#reported;
    if (payload !== undefined) this.#askOnce(WRITE, payload);
  }

  /** The answer of the hub to what was kept. It is asked again when its time is up. */
  #settle(id: string, asked: Request, status: number): void {
    if (status >= 400) this.#refused(status);
    if (isPutOff(status)) return;
    this.#tries = 0;
    this.#forget(id, asked);
    this.#reported.settle(asked.payload);
    for (const [waiting, one] of this.#waiting) if (one.topic === WRITE) this.#send(waiting, one);
    this.#report();
  }

  /** An answer of the hub. @returns whether it is for a program */
  answered({ status, request, version }: Extract<Arrived, { of: 'twin-answer' }>, payload: Uint8Array): boolean {
    const asked = this.#waiting.get(request);
    if (asked === undefined) return false;
    if (asked.client === undefined && asked.topic === WRITE) {
      this.#settle(request, asked, status);
      return true;
    }
    const isRead = asked.topic === READ && status === 200;
    const desired = isRead ? desiredIn(payload) : undefined;
    if (desired !== undefined) this.#version = desired.version;
    // After an outage a hub refuses many reads (429): newleaf's own is tried again when its time is up.
    if (asked.client === undefined && desired === undefined) return true;
    this.#forget(request, asked);
    if (asked.client !== undefined) {
      const topic = `$iothub/twin/res/${status}/?$rid=${asked.request}${version === undefined ? '' : `&$version=${version}`}`;
      deliver(asked.client, { topic, payload });
    } else if (desired !== undefined) {
      // Another hub, or a twin that begins anew, may have a lower one.
      if (this.#before !== undefined && this.#before !== desired.version) {
        const topic = `$iothub/twin/PATCH/properties/desired/?$version=${desired.version}`;
        this.changed({ topic, payload: Buffer.from(JSON.stringify(desired.properties)) });
      }
      this.#before = undefined;
    }
    return true;
  }

  /** The hub tells a change. */
  changed({ topic, payload }: Message): void {
    const version = Number(/\$version=(\d+)/.exec(topic)?.[1]);
    if (Number.isSafeInteger(version)) this.#version = version;
    for (const { client } of this.#subscribed()) deliver(client, { topic, payload });
  }

  gone(client: Client): void {
    for (const [id, asked] of this.#waiting) if (asked.client === client) this.#forget(id, asked);
  }

  close(): void {
    for (const [id, asked] of this.#waiting) this.#forget(id, asked);
  }

  /** Reads the desired properties for the programs that follow them. */
  #look(): void {
    if (this.#subscribed().length > 0) this.#askOnce(READ, NOTHING);
  }

  /** For newleaf itself, unless it is asking this already. */
  #askOnce(topic: string, payload: Uint8Array): void {
    const isAsking = [...this.#waiting.values()].some((one) => one.client === undefined && one.topic === topic);
    if (!isAsking) this.#ask(undefined, '', topic, payload);
  }

  #ask(client: Client | undefined, request: string, topic: string, payload: Uint8Array): void {
    if (client !== undefined && this.#waiting.size >= MOST_WAITING) {
      answer(client, request, 429, 'too many requests wait for an answer');
      return;
    }
    const id = `${USER_REQUEST}${++this.#count}`;
    const late = setTimeout(() => {
      this.#waiting.delete(id);
      if (client !== undefined) answer(client, request, 503, 'the hub has not answered');
      else if (this.#session !== undefined && topic === READ) this.#look();
      else if (this.#session !== undefined) {
        this.#tries += 1;
        this.#report();
      }
    }, PATIENCE_MS).unref();
    const asked = { client, request, topic, payload, late };
    this.#waiting.set(id, asked);
    this.#send(id, asked);
  }

  #send(id: string, { client, topic, payload }: Request): void {
    if (client !== undefined && topic === WRITE && this.#isHeld) return;
    this.#session?.publish({ topic: `${topic}${id}`, payload, qos: 0 }).catch(() => {});
  }

  #subscribed() {
    return this.#programs().flatMap((program) => program.sessions.to('desired'));
  }

  #forget(id: string, { late }: Request): void {
    clearTimeout(late);
    this.#waiting.delete(id);
  }
}

const NOTHING = new Uint8Array();

/** A hub that has too much to do, or fails, is asked again. */
export const isPutOff = (status: number): boolean => status === 429 || status >= 500;

function answer(client: Client, request: string, status: number, message: string): void {
  const payload = Buffer.from(JSON.stringify({ message }));
  deliver(client, { topic: `$iothub/twin/res/${status}/?$rid=${request}`, payload });
}

/** Of QoS 0, as a hub does it. A client that is gone has no use for it. */
function deliver(client: Client, message: Message): void {
  client.publish(message, 0).catch(() => {});
}

/** Why a patch of the reported properties is not passed on; undefined where it is. Pure. */
export function patchFault(payload: Uint8Array): string | undefined {
  if (payload.length > LARGEST_PATCH) return `the patch has ${payload.length} bytes; a hub takes ${LARGEST_PATCH}`;
  const patch = jsonIn(payload);
  if (!isObject(patch)) return 'the patch must be a JSON object';
  return Object.hasOwn(patch, RESERVED) ? `the reported property ${RESERVED} belongs to newleaf` : undefined;
}

function desiredIn(payload: Uint8Array): { readonly version: number; readonly properties: object } | undefined {
  const { desired } = fieldsIn(payload);
  const version = isObject(desired) ? Number(desired.$version) : Number.NaN;
  return isObject(desired) && Number.isSafeInteger(version) ? { version, properties: desired } : undefined;
}
