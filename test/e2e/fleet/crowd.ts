import { createHash } from 'node:crypto';
import type { Simulator } from '../../simulator/simulator.ts';

interface Asked {
  readonly id: string;
  readonly action: string;
}

/** What a member has, as its twin tells it. */
interface Member {
  leaf: { readonly thumbprint: string; readonly issuer: string };
  next?: Member['leaf'];
  readonly done: Set<string>;
}

/** The part of a fleet that needs no daemon: members answer the method, and their twins say at once how it ended. */
export class Crowd {
  /** CN of the CA that signs their leaves. */
  issuer: string;
  readonly #far: Simulator;
  readonly #members = new Map<string, Member>();
  /** CNs of CAs whose leaves DPS refuses. */
  readonly refused = new Set<string>();
  /** How many leaves were signed for each. */
  readonly signed = new Map<string, number>();

  constructor(far: Simulator, names: readonly string[], issuer: string, tags: object) {
    this.#far = far;
    this.issuer = issuer;
    const { hub1 } = far.registries;
    for (const name of names) {
      const leaf = this.#sign(name);
      this.#members.set(name, { leaf, done: new Set() });
      hub1.write(name, { primary: leaf.thumbprint, secondary: leaf.thumbprint }, {}, tags);
      far.stand('hub1', name, (_, payload) => this.#take(name, payload as Asked));
      hub1.patchReported(name, { newleaf: { version: '0.1.0', phase: 'serving', leaf } });
    }
  }

  #sign(name: string): Member['leaf'] {
    const serial = (this.signed.get(name) ?? 0) + 1;
    this.signed.set(name, serial);
    const thumbprint = createHash('sha256').update(`${name} ${serial}`).digest('hex').toUpperCase();
    return { thumbprint, issuer: this.issuer };
  }

  #take(name: string, { id, action }: Asked) {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`there is no ${name}`);
    if (member.done.has(id)) return { status: 200, payload: { id } };
    member.done.add(id);
    if (action === 'roll') member.next ??= this.#sign(name);
    const isParked = member.next !== undefined && this.refused.has(member.next.issuer);
    if (member.next !== undefined && !isParked) {
      member.leaf = member.next;
      delete member.next;
    }
    const code = 'NL-DPS-401002';
    const next = isParked ? { ...member.next, standing: 'parked', code } : null;
    const outcome = isParked ? { outcome: 'person', code } : { outcome: 'done', code: null };
    const last = { id, action, at: new Date().toISOString(), ...outcome };
    this.#far.registries.hub1.patchReported(name, { newleaf: { leaf: member.leaf, next, last } });
    return { status: 202, payload: { id } };
  }
}
