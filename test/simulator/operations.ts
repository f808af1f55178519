import { AdrOperations, type AdrParts } from './adr/operations.ts';
import type { Device, Endpoints, SimulatorApi } from './api.ts';
import { Authority, type ClientIdentity, type IssuePolicy } from './ca.ts';
import type { Door } from './door.ts';
import type { CertificatePair, Enrollments, GroupInput, IndividualInput, Status } from './enrollments.ts';
import type { Est } from './est.ts';
import type { FaultName, FaultOptions, Faults } from './faults.ts';
import type { Hub } from './hub.ts';
import type { HubName, Log, RestName, ServerName } from './log.ts';
import type { MailOptions } from './mailbox.ts';
import { type MethodAnswer, MethodError } from './methods.ts';
import type { Registrar } from './registrar.ts';
import type { Registry, Twin } from './registry.ts';
import type { Rest } from './rest/open.ts';
import type { Switches } from './switches.ts';
import type { TelemetryPage } from './telemetry.ts';

const METHOD_TIMEOUT = 30_000;
const PAGE = 10_000;

export interface Parts extends AdrParts {
  readonly log: Log;
  readonly faults: Faults;
  readonly switches: Switches;
  readonly registrar: Registrar;
  readonly est: Est;
  readonly bootstrap: Authority;
  readonly doors: Readonly<Record<ServerName, Door>>;
  readonly rest: Rest;
}

/** DPS, two hubs and an EST server on loopback. */
export class Simulator extends AdrOperations implements SimulatorApi {
  readonly endpoints: Endpoints;
  readonly log: Log;
  readonly enrollments: Enrollments;
  readonly registries: Readonly<Record<HubName, Registry>>;
  readonly #parts: Parts;

  constructor(parts: Parts, endpoints: Endpoints) {
    super(parts);
    this.#parts = parts;
    this.endpoints = endpoints;
    this.log = parts.log;
    this.enrollments = parts.registrar.enrollments;
    this.registries = parts.registries;
  }

  async enrollIndividual(enrollment: IndividualInput): Promise<void> {
    this.enrollments.putIndividual(enrollment);
  }

  async enrollGroup(group: GroupInput): Promise<void> {
    this.#verify(group);
    this.enrollments.putGroup(group);
  }

  async setStatus(enrollmentId: string, status: Status): Promise<void> {
    this.enrollments.setStatus(enrollmentId, status);
  }

  async replaceCertificates(enrollmentId: string, pair: CertificatePair): Promise<void> {
    if (this.enrollments.get(enrollmentId).kind === 'group') this.#verify(pair);
    this.enrollments.replaceCertificates(enrollmentId, pair);
  }

  async removeEnrollment(enrollmentId: string): Promise<void> {
    this.enrollments.remove(enrollmentId);
  }

  async trustCa(pem: string): Promise<void> {
    this.enrollments.cas.trust(pem);
  }

  async uploadCa(name: string, pem: string): Promise<string> {
    return this.enrollments.cas.upload(name, pem);
  }

  async verifyCa(name: string, proofPem: string): Promise<void> {
    this.enrollments.cas.verify(name, proofPem);
  }

  async removeCa(name: string): Promise<void> {
    this.enrollments.cas.remove(name);
  }

  proveCa(code: string, by: 'root' | 'intermediate'): Promise<string> {
    return this.#parts.est.authority.proof(code, by);
  }

  async assign(registrationId: string, hub: HubName): Promise<void> {
    this.#parts.registrar.allocate(registrationId, hub);
  }

  async device(deviceId: string): Promise<Device | null> {
    const hub = this.#holder(deviceId);
    return hub === undefined ? null : { ...this.registries[hub].get(deviceId), hub };
  }

  async writeDevice(hub: HubName, deviceId: string, primary: string, secondary = primary): Promise<void> {
    this.registries[hub].write(deviceId, { primary, secondary });
  }

  /** A device without a line: see Hub.stand. */
  stand(hub: HubName, deviceId: string, answer: Parameters<Hub['stand']>[1]): void {
    this.#parts.hubs[hub].stand(deviceId, answer);
  }

  /** Whether a hub has a session with the device now. */
  isConnected(deviceId: string): boolean {
    return (['hub1', 'hub2'] as const).some((hub) => this.#parts.hubs[hub].connected(deviceId));
  }

  async forget(deviceId: string): Promise<void> {
    this.#registryOf(deviceId).remove(deviceId);
  }

  async setDeviceStatus(deviceId: string, status: Status): Promise<void> {
    this.#registryOf(deviceId).setStatus(deviceId, status);
  }

  async twin(deviceId: string): Promise<Twin> {
    return this.#registryOf(deviceId).twin(deviceId);
  }

  async updateDesired(deviceId: string, patch: object): Promise<void> {
    this.#registryOf(deviceId).patchDesired(deviceId, patch);
  }

  async callMethod(
    deviceId: string,
    name: string,
    payload?: unknown,
    timeoutMs = METHOD_TIMEOUT,
  ): Promise<MethodAnswer> {
    const hub = this.#holder(deviceId);
    if (hub === undefined) throw new MethodError(404001, `DeviceNotFound: ${deviceId}`);
    return this.#parts.hubs[hub].callMethod(deviceId, name, payload, timeoutMs);
  }

  async sendToDevice(deviceId: string, body: string, options: MailOptions = {}): Promise<void> {
    const hub = this.#holder(deviceId);
    if (hub === undefined) throw new Error(`no device "${deviceId}" in any hub`);
    this.#parts.hubs[hub].send(deviceId, Buffer.from(body, options.base64 ? 'base64' : 'utf8'), options);
  }

  async telemetry(hub: HubName, deviceId: string, since = 0, most = PAGE): Promise<TelemetryPage> {
    return this.#parts.hubs[hub].telemetry(deviceId).read(since, most);
  }

  async issue(csrPem: string, policy: IssuePolicy = {}): Promise<string> {
    return (await this.#parts.est.authority.issue(csrPem, policy)).chainPem;
  }

  clientIdentity(cn: string, policy: IssuePolicy = {}): Promise<ClientIdentity> {
    return this.#parts.est.authority.clientIdentity(cn, policy);
  }

  bootstrapIdentity(cn: string): Promise<ClientIdentity> {
    return this.#parts.bootstrap.clientIdentity(cn);
  }

  async setPolicy(policy: IssuePolicy): Promise<void> {
    this.#parts.est.setPolicy(policy);
  }

  async rollIssuer(what: 'intermediate' | 'root' | 'cross'): Promise<string> {
    const { est } = this.#parts;
    const authority = await {
      root: () => Authority.create('device CA 2'),
      intermediate: () => est.authority.withNewIntermediate('device CA, rolled'),
      cross: () => est.authority.crossed('device CA root 2'),
    }[what]();
    est.roll(authority);
    return what === 'cross' ? authority.rootPem : authority.issuerPem;
  }

  async lay(server: RestName, fault: FaultName, options: FaultOptions = {}): Promise<void> {
    const { faults, doors } = this.#parts;
    faults.lay(server, fault, options);
    if (fault === 'port-closed' && server !== 'arm') await doors[server].shut();
  }

  async lift(server: RestName, fault?: FaultName): Promise<void> {
    const { faults, doors } = this.#parts;
    faults.lift(server, fault);
    if (server !== 'arm' && faults.peek(server, 'port-closed') === undefined) await doors[server].open();
  }

  async set(switches: Partial<Switches>): Promise<void> {
    Object.assign(this.#parts.switches, switches);
  }

  /** Ends every connection at once, and frees the ports. */
  async close(): Promise<void> {
    const { doors, rest } = this.#parts;
    await Promise.all([rest.close(), ...Object.values(doors).map((door) => door.shut())]);
  }

  /** A test that enrolls a CA stands for an operator who has verified it. */
  #verify({ primary, secondary }: CertificatePair): void {
    for (const pem of [primary, secondary]) if (pem) this.enrollments.cas.trust(pem);
  }

  /** The hub that holds the identity; the one with a session, should both hold it. */
  #holder(deviceId: string): HubName | undefined {
    const holding = (['hub1', 'hub2'] as const).filter((hub) => this.registries[hub].find(deviceId));
    return holding.find((hub) => this.#parts.hubs[hub].connected(deviceId)) ?? holding[0];
  }

  #registryOf(deviceId: string): Registry {
    const hub = this.#holder(deviceId);
    if (hub === undefined) throw new Error(`no device "${deviceId}" in any hub`);
    return this.registries[hub];
  }
}
