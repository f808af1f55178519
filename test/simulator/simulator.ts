import type { Device, Endpoints, SimulatorApi } from './api.ts';
import { Authority, type ClientIdentity, type IssuePolicy } from './ca.ts';
import { type Caller, Door } from './door.ts';
import { Dps } from './dps.ts';
import {
  type CertificatePair,
  Enrollments,
  type GroupInput,
  type IndividualInput,
  type Status,
} from './enrollments.ts';
import { Est } from './est.ts';
import { type FaultName, type FaultOptions, Faults } from './faults.ts';
import { Hub } from './hub.ts';
import { type HubName, Log, type ServerName } from './log.ts';
import { Lookup } from './lookup.ts';
import { type MethodAnswer, MethodError } from './methods.ts';
import { Registrar } from './registrar.ts';
import { Registry, type Twin } from './registry.ts';
import { openRest, type Rest } from './rest/open.ts';
import { DEFAULT_SWITCHES, type Switches } from './switches.ts';
import { onFirstWord } from './tongue.ts';
import { TpmRegistration } from './tpm-registration.ts';

export interface SimulatorOptions {
  /** Default '0ne00000000'. */
  readonly idScope?: string;
  /** Default: any free port. */
  readonly ports?: Partial<Record<ServerName, number>>;
  readonly switches?: Partial<Switches>;
  /** The clock by which certificates are judged, in milliseconds since the epoch. Default Date.now. */
  readonly now?: () => number;
}

const METHOD_TIMEOUT = 30_000;
const EST_USERNAME = 'newleaf';
const EST_PASSWORD = 'let-me-in';

interface Parts {
  readonly log: Log;
  readonly faults: Faults;
  readonly switches: Switches;
  readonly registrar: Registrar;
  readonly registries: Readonly<Record<HubName, Registry>>;
  readonly hubs: Readonly<Record<HubName, Hub>>;
  readonly est: Est;
  readonly bootstrap: Authority;
  readonly doors: Readonly<Record<ServerName, Door>>;
  readonly rest: Rest;
}

/** DPS, two hubs and an EST server on loopback. */
export class Simulator implements SimulatorApi {
  readonly endpoints: Endpoints;
  readonly log: Log;
  readonly enrollments: Enrollments;
  readonly registries: Readonly<Record<HubName, Registry>>;
  readonly #parts: Parts;

  constructor(parts: Parts, endpoints: Endpoints) {
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
    if (hub === undefined) {
      throw new MethodError(404001, `DeviceNotFound: ${deviceId}`);
    }
    return this.#parts.hubs[hub].callMethod(deviceId, name, payload, timeoutMs);
  }

  async sendToDevice(deviceId: string, body: string): Promise<void> {
    const hub = this.#holder(deviceId);
    if (hub === undefined) throw new Error(`no device "${deviceId}" in any hub`);
    this.#parts.hubs[hub].send(deviceId, body);
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

  async rollIssuer(what: 'intermediate' | 'root'): Promise<string> {
    const { est } = this.#parts;
    const authority =
      what === 'root'
        ? await Authority.create('device CA 2')
        : await est.authority.withNewIntermediate('device CA, rolled');
    est.roll(authority);
    return authority.issuerPem;
  }

  async lay(server: ServerName, fault: FaultName, options: FaultOptions = {}): Promise<void> {
    const { faults, doors } = this.#parts;
    faults.lay(server, fault, options);
    if (fault === 'port-closed') {
      await doors[server].shut();
    }
  }

  async lift(server: ServerName, fault?: FaultName): Promise<void> {
    const { faults, doors } = this.#parts;
    faults.lift(server, fault);
    if (faults.peek(server, 'port-closed') === undefined) {
      await doors[server].open();
    }
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
    if (hub === undefined) {
      throw new Error(`no device "${deviceId}" in any hub`);
    }
    return this.registries[hub];
  }
}

/** Starts DPS, two hubs and EST on 127.0.0.1. The caller closes it. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { idScope = '0ne00000000', ports = {}, now = Date.now } = options;
  const switches = { ...DEFAULT_SWITCHES, ...options.switches };
  const log = new Log();
  const faults = new Faults(log);
  const [serverCa, deviceCa, bootstrap, nobody] = await Promise.all([
    Authority.create('server CA', 0),
    Authority.create('device CA'),
    Authority.create('bootstrap CA', 0),
    Authority.create('CA that nobody trusts', 0),
  ]);
  const identities = async (ca: Authority) => ({
    identity: await ca.serverIdentity(['localhost'], '127.0.0.1'),
    untrusted: await nobody.serverIdentity(['localhost'], '127.0.0.1'),
    wrongHost: await ca.serverIdentity(['elsewhere.example']),
  });
  const [azure, estIdentities] = await Promise.all([identities(serverCa), identities(deviceCa)]);
  const clientRoot = deviceCa.rootPem;
  let connections = 0;
  const nextConnection = (): number => {
    connections += 1;
    return connections;
  };
  const door = (name: ServerName, own: typeof azure, onCaller: (caller: Caller) => void): Door =>
    new Door({ name, log, faults, nextConnection, onCaller, clientRoot, ...own });

  const registries = { hub1: new Registry(), hub2: new Registry() };
  const hub = (name: HubName): Hub => {
    const names = () => [hostOf(name === 'hub1' ? hub1 : hub2), rest.hosts[name]];
    return new Hub({ name, log, faults, switches, registry: registries[name], names, now });
  };
  const hubs = { hub1: hub('hub1'), hub2: hub('hub2') };
  const hub1 = door('hub1', azure, (caller) => hubs.hub1.accept(caller));
  const hub2 = door('hub2', azure, (caller) => hubs.hub2.accept(caller));
  const hostOf = ({ port }: Door): string => `localhost:${port}`;
  const enrollments = new Enrollments();
  const rest = await openRest({ log, faults, switches, enrollments, registries, hubs, authority: serverCa, now });
  const linked = [
    { name: 'hub1' as const, host: () => hostOf(hub1), restHost: rest.hosts.hub1, registry: registries.hub1 },
    { name: 'hub2' as const, host: () => hostOf(hub2), restHost: rest.hosts.hub2, registry: registries.hub2 },
  ];
  const registrar = new Registrar(enrollments, linked, switches, now);
  const dpsServer = new Dps({ idScope, log, faults, switches, registrar, now });
  const tpm = new TpmRegistration({ idScope, log, faults, switches, registrar, now });
  const lookup = new Lookup({ idScope, log, switches, registrar, now, tpm });
  const dps = door('dps', azure, (caller) =>
    onFirstWord(
      caller.socket,
      () => lookup.accept(caller),
      () => dpsServer.accept(caller),
    ),
  );
  const credentials = { username: EST_USERNAME, password: EST_PASSWORD };
  const estServer = new Est(deviceCa, { log, faults, switches, now, bootstrap, ...credentials });
  const est = door('est', estIdentities, (caller) => estServer.accept(caller));

  const doors = { dps, hub1, hub2, est };
  for (const name of ['dps', 'hub1', 'hub2'] as const) {
    const identity = rest.identities[name];
    if (identity) doors[name].alsoAt(rest.hosts[name], identity);
  }
  const names = ['dps', 'hub1', 'hub2', 'est'] as const;
  const openings = await Promise.allSettled(names.map((name) => doors[name].open(ports[name])));
  const failed = openings.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') {
    await Promise.all([rest.close(), ...names.map((name) => doors[name].shut())]);
    throw failed.reason;
  }
  return new Simulator(
    { log, faults, switches, registrar, registries, hubs, est: estServer, bootstrap, doors, rest },
    {
      idScope,
      dps: hostOf(dps),
      hub1: hostOf(hub1),
      hub2: hostOf(hub2),
      est: `https://${hostOf(est)}/.well-known/est`,
      estUsername: EST_USERNAME,
      estPassword: EST_PASSWORD,
      ...rest.connectionStrings,
      trustPem: serverCa.rootPem,
      estCaPem: deviceCa.rootPem,
      issuerPem: deviceCa.issuerPem,
    },
  );
}
