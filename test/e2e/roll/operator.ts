import assert from 'node:assert/strict';
import https from 'node:https';
import provisioning from 'azure-iot-provisioning-service';
import type { AttestationMechanism, IndividualEnrollment } from 'azure-iot-provisioning-service/dist/interfaces.js';
import iothub from 'azure-iothub';
import type { Endpoints } from '../../simulator/api.ts';
import { POLICIES, type Status } from '../../simulator/enrollments.ts';
import type { MethodAnswer } from '../../simulator/methods.ts';

/** An individual enrollment by its registration ID, or a group by its name. */
export type Kind = 'individual' | 'group';

/** What an enrollment admits: PEM; for a group the names of verified CAs as well, which are no PEM. */
export interface Admitted {
  readonly primary: string;
  readonly secondary?: string;
}

export type Policy = keyof typeof POLICIES;

const METHOD = 'reprovision';
const isPem = (text: string): boolean => text.includes('-----BEGIN');

/**
 * The operator at the far side, by the official clients and nothing else: what is done here can be done to the real
 * services, too. An enrollment is always written as a whole, as DPS never gives a certificate back.
 */
export class Operator {
  readonly #dps: provisioning.ProvisioningServiceClient;
  readonly #registry: iothub.Registry;
  readonly #client: iothub.Client;
  readonly #jobs: iothub.JobClient;

  constructor({ dpsService, hub1Service, trustPem }: Endpoints) {
    // Without keep-alive: the server drops an idle connection after some seconds, perhaps while the next call begins.
    const agent = new https.Agent({ ca: trustPem, keepAlive: false });
    this.#dps = using(agent, provisioning.ProvisioningServiceClient.fromConnectionString(dpsService));
    this.#registry = using(agent, iothub.Registry.fromConnectionString(hub1Service));
    this.#client = using(agent, iothub.Client.fromConnectionString(hub1Service));
    this.#jobs = using(agent, iothub.JobClient.fromConnectionString(hub1Service));
  }

  /** Creates the enrollment, or replaces what it admits: what is left out is not admitted any more. */
  async admit(kind: Kind, id: string, admitted: Admitted, policy: Policy = 'migrate'): Promise<void> {
    await this.#put(kind, id, { ...attestationOf(kind, admitted), reprovisionPolicy: POLICIES[policy] });
  }

  /** Whether DPS lets anybody of this enrollment register. It knows nothing of what is connected. */
  async allow(kind: Kind, id: string, provisioningStatus: Status): Promise<void> {
    const { registrationState: _, ...body } = await this.#get(kind, id);
    await this.#put(kind, id, { ...body, provisioningStatus });
  }

  /** Bars one member of a group: a disabled individual enrollment, with the leaf or with a key that nobody has. */
  async barMember(id: string, leaf?: string): Promise<void> {
    const attestation =
      leaf === undefined
        ? { type: 'symmetricKey', symmetricKey: { primaryKey: 'bm9ib2R5', secondaryKey: 'bm9ib2R5' } }
        : attestationOf('individual', { primary: leaf }).attestation;
    await this.#put('individual', id, { attestation, provisioningStatus: 'disabled' });
  }

  /** Lets the group decide again. */
  async unbarMember(id: string): Promise<void> {
    await this.#dps.deleteIndividualEnrollment(id);
  }

  /** Deletes the identity in the hub, which ends its session. */
  async forget(deviceId: string): Promise<void> {
    await this.#registry.delete(deviceId);
  }

  /** Enables or disables the identity in the hub. */
  async setIdentity(deviceId: string, status: Status): Promise<void> {
    const { responseBody } = await this.#registry.get(deviceId);
    await this.#registry.update({ ...responseBody, deviceId, status });
  }

  /** Writes another thumbprint into the hub, which ends no session. */
  async setThumbprint(deviceId: string, primaryThumbprint: string): Promise<void> {
    const x509Thumbprint = { primaryThumbprint, secondaryThumbprint: primaryThumbprint };
    await this.#registry.update({ deviceId, authentication: { type: 'selfSigned', x509Thumbprint } });
  }

  /** Calls the direct method. */
  async reprovision(deviceId: string, payload: object = {}): Promise<MethodAnswer> {
    const { result } = await this.#client.invokeDeviceMethod(deviceId, { methodName: METHOD, payload });
    return result;
  }

  /** Lets the hub call the method on every device that the condition holds for. */
  async reprovisionByJob(condition: string, payload: object = {}): Promise<void> {
    const method = { methodName: METHOD, payload, responseTimeoutInSeconds: 30 };
    await this.#jobs.scheduleDeviceMethod(`job-${Date.now()}`, condition, method, new Date(), 60);
  }

  async #get(kind: Kind, id: string): Promise<IndividualEnrollment> {
    const { responseBody } = await (kind === 'individual'
      ? this.#dps.getIndividualEnrollment(id)
      : this.#dps.getEnrollmentGroup(id));
    return responseBody as IndividualEnrollment;
  }

  async #put(kind: Kind, id: string, fields: object): Promise<void> {
    const etag = await this.#get(kind, id).then(
      (found) => found.etag,
      ({ response }: Refusal) => assert.equal(response.statusCode, 404),
    );
    const named = kind === 'individual' ? { registrationId: id } : { enrollmentGroupId: id };
    const enrollment = { provisioningStatus: 'enabled', ...fields, ...named, ...(etag && { etag }) };
    // The types of the client demand every field that DPS fills in by itself.
    await (kind === 'individual'
      ? this.#dps.createOrUpdateIndividualEnrollment(enrollment as unknown as IndividualEnrollment)
      : this.#dps.createOrUpdateEnrollmentGroup(enrollment as unknown as IndividualEnrollment & Group));
  }
}

interface Refusal {
  readonly response: { readonly statusCode: number };
}

interface RestApiClient {
  setOptions(options: object): void;
}

interface Group {
  readonly enrollmentGroupId: string;
}

function attestationOf(kind: Kind, { primary, secondary }: Admitted): { readonly attestation: AttestationMechanism } {
  const byName = !isPem(primary);
  const name = byName ? 'caReferences' : kind === 'group' ? 'signingCertificates' : 'clientCertificates';
  const slot = (text: string) => (byName ? text : { certificate: text });
  const pair = { primary: slot(primary), ...(secondary !== undefined && { secondary: slot(secondary) }) };
  return { attestation: { type: 'x509', x509: { [name]: pair } } };
}

/**
 * NODE_EXTRA_CA_CERTS is read when a process begins, and here each test has a CA of its own. The clients have no option
 * for one: azure-iothub 1.16.6 makes an agent for each client (registry.js), which is replaced.
 */
function using<T extends object>(agent: https.Agent, client: T): T {
  const { _restApiClient: rest } = client as unknown as { readonly _restApiClient: RestApiClient };
  rest.setOptions({ http: { agent } });
  return client;
}
