import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Status } from './enrollments.ts';

export interface Thumbprints {
  readonly primary: string;
  readonly secondary: string;
  /** Base64: of a device that signs tokens instead (DPS writes it for TPM enrollments). */
  readonly key?: string;
  /** Base64: its other key, where the two differ. */
  readonly secondaryKey?: string;
  /** It may come with any leaf of a CA that the hub trusts; with one of these thumbprints, too, if there are any. */
  readonly byCa?: true;
}

/** A device identity of the kind that DPS writes for X.509 enrollments, groups included: `selfSigned` with thumbprints. */
export interface Identity {
  readonly deviceId: string;
  readonly generationId: string;
  readonly etag: string;
  readonly status: Status;
  /** Empty where the identity was written over REST with another kind of authentication: nothing matches it. */
  readonly thumbprints: Thumbprints;
}

export interface Twin {
  readonly tags: Record<string, unknown>;
  /** Of tags and desired properties. */
  readonly etag: string;
  readonly desired: Record<string, unknown>;
  readonly desiredVersion: number;
  readonly reported: Record<string, unknown>;
  readonly reportedVersion: number;
}

export type Write = 'created' | 'updated' | 'enabled' | 'disabled' | 'removed';

interface RegistryEvents {
  written: [deviceId: string, write: Write, thumbprints: Thumbprints];
  desired: [deviceId: string, patch: object, version: number];
}

const newEtag = (): string => Buffer.from(randomUUID()).toString('base64');

const freshTwin = (desired: object, tags: object): Twin => ({
  tags: { ...tags },
  etag: newEtag(),
  desired: { ...desired },
  desiredVersion: 1,
  reported: {},
  reportedVersion: 1,
});

/** JSON merge as the twin does it: null removes, objects merge, everything else replaces. */
function merge(target: Record<string, unknown>, patch: object): Record<string, unknown> {
  const merged = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      delete merged[key];
    } else if (typeof value === 'object' && !Array.isArray(value)) {
      const before = merged[key];
      merged[key] = merge(typeof before === 'object' && before !== null ? { ...before } : {}, value);
    } else {
      merged[key] = value;
    }
  }
  return merged;
}

const cleared = (properties: object): object => Object.fromEntries(Object.keys(properties).map((name) => [name, null]));

/** The identity registry and the twins of one hub. */
export class Registry extends EventEmitter<RegistryEvents> {
  readonly #identities = new Map<string, Identity>();
  readonly #twins = new Map<string, Twin>();

  find(deviceId: string): Identity | undefined {
    return this.#identities.get(deviceId);
  }

  /** Throws where there is none. */
  get(deviceId: string): Identity {
    const identity = this.#identities.get(deviceId);
    if (identity === undefined) throw new Error(`no device "${deviceId}" in this hub`);
    return identity;
  }

  twin(deviceId: string): Twin {
    const twin = this.#twins.get(deviceId);
    if (twin === undefined) throw new Error(`no twin "${deviceId}" in this hub`);
    return twin;
  }

  list(): Identity[] {
    return [...this.#identities.values()];
  }

  /** Creates the identity, or replaces its thumbprints; a twin that is there stays. */
  write(deviceId: string, thumbprints: Thumbprints, initialDesired: object = {}, initialTags: object = {}): Identity {
    const before = this.#identities.get(deviceId);
    if (before === undefined) this.#twins.set(deviceId, freshTwin(initialDesired, initialTags));
    const generationId = before?.generationId ?? randomUUID();
    const status = before?.status ?? 'enabled';
    return this.#store({ deviceId, generationId, etag: '', status, thumbprints }, before ? 'updated' : 'created');
  }

  setStatus(deviceId: string, status: Status): Identity {
    return this.#store({ ...this.get(deviceId), status }, status);
  }

  /** Removes identity and twin. Throws where there is none. */
  remove(deviceId: string): void {
    const { thumbprints } = this.get(deviceId);
    this.#identities.delete(deviceId);
    this.#twins.delete(deviceId);
    this.emit('written', deviceId, 'removed', thumbprints);
  }

  /** A twin that moves in from another hub. */
  adopt(deviceId: string, twin: Twin): void {
    this.#twins.set(deviceId, twin);
  }

  resetTwin(deviceId: string, initialDesired: object, initialTags: object): void {
    this.#twins.set(deviceId, freshTwin(initialDesired, initialTags));
  }

  /** Null clears them all. */
  patchTags(deviceId: string, patch: object | null): Twin {
    const twin = this.twin(deviceId);
    const patched = { ...twin, tags: merge(twin.tags, patch ?? cleared(twin.tags)), etag: newEtag() };
    this.#twins.set(deviceId, patched);
    return patched;
  }

  /** Null clears them all. The device is told what goes as it is told what comes. */
  patchDesired(deviceId: string, sent: object | null): Twin {
    const twin = this.twin(deviceId);
    const patch = sent ?? cleared(twin.desired);
    const desiredVersion = twin.desiredVersion + 1;
    const patched = { ...twin, desired: merge(twin.desired, patch), desiredVersion, etag: newEtag() };
    this.#twins.set(deviceId, patched);
    this.emit('desired', deviceId, patch, desiredVersion);
    return patched;
  }

  /** What the reported properties would be; nothing is written. */
  withReported(deviceId: string, patch: object): Record<string, unknown> {
    return merge(this.twin(deviceId).reported, patch);
  }

  patchReported(deviceId: string, patch: object): Twin {
    const twin = this.twin(deviceId);
    const reported = this.withReported(deviceId, patch);
    const patched = { ...twin, reported, reportedVersion: twin.reportedVersion + 1 };
    this.#twins.set(deviceId, patched);
    return patched;
  }

  #store(identity: Identity, write: Write): Identity {
    const stored = { ...identity, etag: newEtag() };
    this.#identities.set(stored.deviceId, stored);
    this.emit('written', stored.deviceId, write, stored.thumbprints);
    return stored;
  }
}
