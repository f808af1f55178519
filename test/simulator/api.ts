import type { AdrApi } from './adr/api.ts';
import type { ClientIdentity, IssuePolicy } from './ca.ts';
import type { CertificatePair, GroupInput, IndividualInput, Status } from './enrollments.ts';
import type { FaultName, FaultOptions } from './faults.ts';
import type { HubName, RestName } from './log.ts';
import type { MailOptions } from './mailbox.ts';
import type { MethodAnswer } from './methods.ts';
import type { Identity as RegistryIdentity, Twin } from './registry.ts';
import type { Switches } from './switches.ts';
import type { TelemetryPage } from './telemetry.ts';

/** Where everything is, and what to trust (PEM). */
export interface Endpoints {
  readonly idScope: string;
  /** 'localhost:PORT', or the name of its place, for `dps.endpoint`. */
  readonly dps: string;
  readonly hub1: string;
  readonly hub2: string;
  /** 'https://localhost:PORT/.well-known/est' */
  readonly est: string;
  readonly estUsername: string;
  readonly estPassword: string;
  /** Connection strings of the service side, for operators and back ends; each names an owner policy. */
  readonly dpsService: string;
  readonly hub1Service: string;
  readonly hub2Service: string;
  /** The same of Azure Resource Manager, which really takes tokens of Entra ID alone: its host, and the key that signs them. */
  readonly armService: string;
  /** What it calls the namespace. */
  readonly namespaceId: string;
  /** Root of the server certificates of DPS and hubs. */
  readonly trustPem: string;
  /** Root of the server certificate of EST; it is the root of the issuing CA. */
  readonly estCaPem: string;
  /** The intermediate that issues leaves at the start: what a group enrolls. */
  readonly issuerPem: string;
}

/** An identity, and the hub that holds it. */
export interface Device extends RegistryIdentity {
  readonly hub: HubName;
}

/**
 * Everything a test can do to the far side. Arguments and results are JSON: it is the same in this process
 * (simulator.ts) and over the control port (client.ts). Each call rejects with a sentence where it makes no sense.
 */
export interface SimulatorApi extends AdrApi {
  enrollIndividual(enrollment: IndividualInput): Promise<void>;
  /** The certificates of the group are verified in DPS, too. */
  enrollGroup(group: GroupInput): Promise<void>;
  setStatus(enrollmentId: string, status: Status): Promise<void>;
  /** Both at once: what is left out is removed. Those of a group are verified, too. */
  replaceCertificates(enrollmentId: string, pair: CertificatePair): Promise<void>;
  removeEnrollment(enrollmentId: string): Promise<void>;
  /** A CA certificate (PEM) that DPS verifies on upload, without a proof. */
  trustCa(pem: string): Promise<void>;
  /** Uploads a CA certificate (PEM) to DPS, not verified yet. Gives the verification code. */
  uploadCa(name: string, pem: string): Promise<string>;
  /** Proof of possession: a certificate whose CN is the code, signed by the CA. */
  verifyCa(name: string, proofPem: string): Promise<void>;
  removeCa(name: string): Promise<void>;
  /** Such a proof by the issuing CA as it is now: by its root, or by the intermediate that issues. */
  proveCa(code: string, by: 'root' | 'intermediate'): Promise<string>;
  /** Where the next registration of this device goes. */
  assign(registrationId: string, hub: HubName): Promise<void>;

  /** The identity in the hub that holds it, or null. */
  device(deviceId: string): Promise<Device | null>;
  /** Writes thumbprints into a hub without DPS; the secondary is the primary where it is left out. */
  writeDevice(hub: HubName, deviceId: string, primary: string, secondary?: string): Promise<void>;
  /** Deletes the identity in the hub. */
  forget(deviceId: string): Promise<void>;
  setDeviceStatus(deviceId: string, status: Status): Promise<void>;
  twin(deviceId: string): Promise<Twin>;
  updateDesired(deviceId: string, patch: object): Promise<void>;
  /** A cloud-to-device message, which waits for a device that is away. Rejects with 403004 where 50 wait already, 413001 beyond 64 KB. */
  sendToDevice(deviceId: string, body: string, options?: MailOptions): Promise<void>;
  /**
   * Device-to-cloud messages that a hub took from a device, in the order in which they came: those after the index `since`,
   * at most `most` (default 10,000). With `most` 0 the counts alone.
   */
  telemetry(hub: HubName, deviceId: string, since?: number, most?: number): Promise<TelemetryPage>;
  /** Without a payload the device gets an empty body. Rejects with 404103 (not connected, or no methods) or 504101 (no answer in `timeoutMs`) in the message. */
  callMethod(deviceId: string, name: string, payload?: unknown, timeoutMs?: number): Promise<MethodAnswer>;

  /** Signs a PKCS#10 (PEM) outside EST, for the inbox; the chain as PEM. */
  issue(csrPem: string, policy?: IssuePolicy): Promise<string>;
  /** A key in a file, with its chain from the issuing CA. */
  clientIdentity(cn: string, policy?: IssuePolicy): Promise<ClientIdentity>;
  /** A key in a file, with a certificate that EST accepts for the first enrolment. */
  bootstrapIdentity(cn: string): Promise<ClientIdentity>;
  /** How EST issues from now on; replaces what was set before. */
  setPolicy(policy: IssuePolicy): Promise<void>;
  /**
   * Another intermediate under the same root, or a whole new CA, issues from now on; gives the new issuer (PEM). Or the same one
   * issues, and hands out a certificate by a new root beside its own; gives that root.
   */
  rollIssuer(what: 'intermediate' | 'root' | 'cross'): Promise<string>;

  /** Lays a fault over the default behaviour of a server. */
  lay(server: RestName, fault: FaultName, options?: FaultOptions): Promise<void>;
  /** Lifts one fault of a server, or all. */
  lift(server: RestName, fault?: FaultName): Promise<void>;
  set(switches: Partial<Switches>): Promise<void>;
}
