import { randomUUID, X509Certificate } from 'node:crypto';
import { Authority, type IssuePolicy, P384 } from '../ca.ts';
import { type Presented, signedBy } from '../presented.ts';
import { deviceIdExtension, deviceIdIn } from './device-id.ts';

/** How an enrollment names a policy: since 2026-11-01 by three names, in the preview by one. */
export interface PolicyReference {
  readonly namespace?: string;
  /** The issuing CA. */
  readonly authority?: string;
  readonly policy: string;
}

interface Policy {
  readonly name: string;
  readonly authority: string;
  readonly validityMs: number;
}

/** A device, as the namespace knows it. */
export interface AdrDevice {
  readonly registrationId: string;
  readonly deviceId: string;
  /** In the registry, where it has one of its own there. */
  readonly name: string;
  readonly reference: PolicyReference;
  /** Inside each of its leaves; a revocation makes another. */
  readonly id: string;
  /** SHA-256 of the DER, in the order in which they were issued. */
  readonly leaves: readonly string[];
}

export interface IssuedChain {
  readonly thumbprint: string;
  /** DER: the leaf, the CA that issued it, the root. */
  readonly chain: readonly Buffer[];
}

export const NAMESPACE = 'newleaf';
export const FIRST_AUTHORITY = 'ica-1';
const DAY = 86_400_000;
/** Microsoft's own end-to-end tests ask for 30 days; the documents allow 7 to 90. */
const VALIDITY = 30 * DAY;

/** An Azure Device Registry namespace: a root, the CAs below it, their policies, and the devices that got leaves from them. */
export class Namespace {
  readonly #now: () => number;
  #root: Promise<Authority> | undefined;
  readonly #authorities = new Map<string, Authority>();
  /** Certificates of CAs that were revoked. */
  readonly #revoked: X509Certificate[] = [];
  readonly #policies: Policy[] = [];
  readonly #devices = new Map<string, AdrDevice>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Makes the issuing CA, too, where there is none of this name. `validityMs`: of a leaf. Throws for a policy that is there. */
  async createPolicy(name: string, authority = FIRST_AUTHORITY, validityMs = VALIDITY): Promise<void> {
    if (this.policy({ authority, policy: name }))
      throw new Error(`the policy "${name}" of "${authority}" is there already`);
    this.#policies.push({ name, authority, validityMs });
    if (!this.#authorities.has(authority)) await this.#renew(authority);
  }

  /** Whether there is one: it begins with its first policy. */
  get exists(): boolean {
    return this.#authorities.size > 0;
  }

  policy({ namespace = NAMESPACE, authority, policy }: PolicyReference): Policy | undefined {
    if (namespace !== NAMESPACE) return undefined;
    return this.#policies.find((one) => one.name === policy && (authority ?? one.authority) === one.authority);
  }

  /** "revokeAndRotate": another CA certificate issues, and no leaf below the one before opens a hub. Gives the new one (PEM). */
  async rotate(authority = FIRST_AUTHORITY): Promise<string> {
    const before = this.#authorities.get(authority);
    if (before === undefined) throw new Error(`no CA "${authority}" in the namespace`);
    this.#revoked.push(new X509Certificate(before.issuerPem));
    return (await this.#renew(authority)).issuerPem;
  }

  /** A device that is known to the namespace, without a leaf of it. */
  adopt(deviceId: string, reference: PolicyReference): void {
    const device = { registrationId: deviceId, deviceId, name: randomUUID(), reference, id: randomUUID(), leaves: [] };
    this.#devices.set(deviceId, device);
  }

  /** No leaf that the device got so far opens a hub any more. Throws where there is no such device. */
  revoke(deviceId: string): void {
    const device = this.device(deviceId);
    if (device === undefined) throw new Error(`no device "${deviceId}" in the namespace`);
    this.#devices.set(device.registrationId, { ...device, id: randomUUID() });
  }

  /** By the name that it has in a hub. */
  device(deviceId: string): AdrDevice | undefined {
    return this.devices().find((device) => device.deviceId === deviceId);
  }

  devices(): AdrDevice[] {
    return [...this.#devices.values()];
  }

  /** The certificates of the CAs that issue now (PEM), by name, and the root. */
  async authorities(): Promise<Readonly<Record<string, string>>> {
    const issuing = [...this.#authorities].map(([name, { issuerPem }]) => [name, issuerPem]);
    return Object.fromEntries([['root', (await this.#rootOf()).rootPem], ...issuing]);
  }

  /** Issues to a PKCS#10 (DER) that was looked at before. Undefined where the policy is not there. `how` makes it wrong. */
  async issue(
    csr: Uint8Array,
    registrationId: string,
    deviceId: string,
    reference: PolicyReference,
    how: IssuePolicy = {},
  ): Promise<IssuedChain | undefined> {
    const policy = this.policy(reference);
    const authority = policy && this.#authorities.get(policy.authority);
    if (policy === undefined || authority === undefined) return undefined;
    const { id = randomUUID() } = this.#devices.get(registrationId) ?? {};
    const rules = { lifetimeMs: policy.validityMs, at: this.#now(), cn: registrationId, ...how };
    const { leaf, thumbprint } = await authority.issue(csr, rules, [deviceIdExtension(id)]);
    // Read again: another leaf may have been issued meanwhile.
    const { leaves = [], name = randomUUID() } = this.#devices.get(registrationId) ?? {};
    this.#devices.set(registrationId, {
      registrationId,
      deviceId,
      name,
      reference,
      id,
      leaves: [...leaves, thumbprint],
    });
    return { thumbprint, chain: [leaf.raw, ...authority.certificates] };
  }

  /** Whether a CA of this namespace, revoked or not, signed the leaf. */
  issued(leaf: X509Certificate): boolean {
    return [...this.#revoked, ...this.#issuing()].some((issuer) => signedBy(leaf, issuer));
  }

  /** Why a leaf of this namespace does not open a hub. Leaves of before do so after a renewal, too. */
  refusal({ leaf, chain, thumbprint }: Presented, deviceId: string): string | undefined {
    const issuer = this.#issuing().find((one) => signedBy(leaf, one));
    const device = this.device(deviceId);
    if (issuer === undefined) return 'the issuing CA was revoked';
    if (!chain[1]?.raw.equals(issuer.raw)) return 'the issuing CA was not sent';
    if (device === undefined || !device.leaves.includes(thumbprint)) return 'the leaf is of another device';
    return deviceIdIn(leaf) === device.id ? undefined : 'the leaf was revoked';
  }

  #issuing(): X509Certificate[] {
    return [...this.#authorities.values()].map(({ issuerPem }) => new X509Certificate(issuerPem));
  }

  /** The keys are made when the first policy is: most tests need none. */
  #rootOf(): Promise<Authority> {
    this.#root ??= Authority.create(`${NAMESPACE} namespace`, 0, P384);
    return this.#root;
  }

  async #renew(name: string): Promise<Authority> {
    const authority = await (await this.#rootOf()).withNewIntermediate(`${NAMESPACE} ${name}`);
    this.#authorities.set(name, authority);
    return authority;
  }
}
