import { randomBytes, randomUUID } from 'node:crypto';
import { type Attested, attest, type Unattested } from './attest.ts';
import type { Enrollment, Enrollments, Registration } from './enrollments.ts';
import type { HubName } from './log.ts';
import type { Presented } from './presented.ts';
import type { Registry } from './registry.ts';
import type { Switches } from './switches.ts';

/** A hub that is linked to DPS. */
export interface LinkedHub {
  readonly name: HubName;
  /** host:port, as the device gets it. */
  readonly host: () => string;
  /** The host of its REST side; an enrollment may name either. */
  readonly restHost?: string;
  readonly registry: Registry;
}

export type Outcome =
  | {
      readonly kind: 'assigned';
      readonly registration: Registration;
      readonly hub: HubName;
      /** What was issued to it: DER, leaf first. */
      readonly chain?: readonly Buffer[];
      /** Base64: what the device signs its tokens with, where it attests by a TPM. */
      readonly key?: string;
    }
  | ({ readonly kind: 'refused' } & Unattested);

export interface Operation {
  readonly operationId: string;
  readonly registrationId: string;
  /** Undefined while DPS is assigning. */
  outcome: Outcome | undefined;
}

const UNASSIGNED = { deviceId: '', assignedHub: '', substatus: '' } as const;

/** No hub is linked: the number and the words that Microsoft measured (azure-iot-cli-extension, unlinked hub). */
export const NO_HUB = { errorCode: 401001, message: 'IoTHub not found.' } as const satisfies Unattested;

/** Decides registrations, and writes what follows into the registry of the assigned hub. */
export class Registrar {
  readonly enrollments: Enrollments;
  readonly #hubs: readonly LinkedHub[];
  readonly #switches: Switches;
  readonly #now: () => number;
  readonly #allocation = new Map<string, HubName>();
  readonly #operations = new Map<string, Operation>();

  constructor(enrollments: Enrollments, hubs: readonly LinkedHub[], switches: Switches, now: () => number) {
    this.enrollments = enrollments;
    this.#hubs = hubs;
    this.#switches = switches;
    this.#now = now;
  }

  /** Static allocation: where the next registration of this device goes. Without it that is hub 1. */
  allocate(registrationId: string, hub: HubName): void {
    this.#allocation.set(registrationId, hub);
  }

  operation(operationId: string): Operation | undefined {
    return this.#operations.get(operationId);
  }

  /** The name of a device in the hubs. Another one counts after its record was deleted (comment in the tests of azure-iot-cli-extension). */
  deviceId(registrationId: string, enrollment: Enrollment): string {
    return this.enrollments.registrations.get(registrationId)?.deviceId || (enrollment.deviceId ?? registrationId);
  }

  /** Whether a registration of this device is still being assigned. */
  inFlight(registrationId: string): boolean {
    return [...this.#operations.values()].some(
      (operation) => operation.registrationId === registrationId && operation.outcome === undefined,
    );
  }

  begin(registrationId: string): Operation {
    const operationId = `5.${randomBytes(8).toString('hex')}.${randomUUID()}`;
    const operation: Operation = { operationId, registrationId, outcome: undefined };
    this.#operations.set(operationId, operation);
    return operation;
  }

  attest(presented: Presented, registrationId: string): Attested | Unattested {
    return attest(presented, registrationId, this.enrollments, this.#switches, this.#now());
  }

  /** Ends the operation, and lets the registration take effect, unless the allocation has failed. */
  conclude(operation: Operation, attested: Attested | Unattested, failure?: Unattested): Outcome {
    const outcome = this.#outcome(operation.registrationId, attested, failure);
    operation.outcome = outcome;
    return outcome;
  }

  /** The record of a registration that was refused as its enrollment is disabled. */
  bar(registrationId: string, enrollment: Enrollment): Registration {
    return this.#record(registrationId, enrollment, { status: 'disabled' });
  }

  #outcome(registrationId: string, attested: Attested | Unattested, failure?: Unattested): Outcome {
    if ('errorCode' in attested) return { kind: 'refused', ...attested };
    if (failure !== undefined) {
      const { errorCode, message: errorMessage } = failure;
      this.#record(registrationId, attested.enrollment, { status: 'failed', errorCode, errorMessage });
      return { kind: 'refused', ...failure };
    }
    const { chain, thumbprints } = attested;
    const { key } = thumbprints;
    const assigned = this.#assign(registrationId, attested);
    return { kind: 'assigned', ...assigned, ...(chain && { chain }), ...(key !== undefined && { key }) };
  }

  /** Azure keeps what became of the last attempt; where the device is assigned to outlives a failure. */
  #record(
    registrationId: string,
    { kind, id }: Enrollment,
    made: Pick<Registration, 'status'> & Partial<Registration>,
  ): Registration {
    const { deviceId, assignedHub, substatus } = this.enrollments.registrations.get(registrationId) ?? UNASSIGNED;
    const group = kind === 'group' ? id : undefined;
    return this.enrollments.recordRegistration({ deviceId, assignedHub, substatus, ...made, registrationId, group });
  }

  #assign(registrationId: string, { enrollment, thumbprints }: Attested): { registration: Registration; hub: HubName } {
    const before = this.enrollments.registrations.get(registrationId);
    const deviceId = this.deviceId(registrationId, enrollment);
    const oldHub = this.#hubs.find(({ host }) => host() === before?.assignedHub);
    const never = !enrollment.policy.updateHubAssignment;
    const hub = (never ? oldHub : undefined) ?? this.#allocated(registrationId, enrollment.hubs);
    const known = hub.registry.find(deviceId) !== undefined;
    if (!known || !never || this.#switches.neverPolicyRefreshesThumbprint) {
      hub.registry.write(deviceId, thumbprints, enrollment.initialDesired, enrollment.initialTags);
    }
    if (this.#switches.registrationEnablesDevice) hub.registry.setStatus(deviceId, 'enabled');
    const substatus =
      oldHub === undefined || never ? 'initialAssignment' : this.#moveTwin(deviceId, oldHub, hub, enrollment);
    const assigned = { status: 'assigned', deviceId, assignedHub: hub.host(), substatus } as const;
    return { registration: this.#record(registrationId, enrollment, assigned), hub: hub.name };
  }

  /** What becomes of the twin on a re-registration, and the substatus that tells it. */
  #moveTwin(deviceId: string, from: LinkedHub, to: LinkedHub, enrollment: Enrollment): string {
    const moved = from !== to && from.registry.find(deviceId) !== undefined;
    const twin = moved ? from.registry.twin(deviceId) : undefined;
    if (moved) from.registry.remove(deviceId);
    if (!enrollment.policy.migrateDeviceData) {
      to.registry.resetTwin(deviceId, enrollment.initialDesired, enrollment.initialTags);
      return 'deviceDataReset';
    }
    if (twin !== undefined) {
      to.registry.adopt(deviceId, twin);
      return 'deviceDataMigrated';
    }
    // Captured (eclipse-kanto/azure-connector), and asserted by azure-iot-cli-extension for X.509 and symmetric keys.
    return from === to ? 'reprovisionedToInitialAssignment' : 'initialAssignment';
  }

  #allocated(registrationId: string, named: readonly string[]): LinkedHub {
    const listed = named.flatMap((host) =>
      this.#hubs.filter((linked) => linked.host() === host || linked.restHost === host),
    );
    const name = this.#allocation.get(registrationId) ?? listed[0]?.name ?? 'hub1';
    const hub = this.#hubs.find((linked) => linked.name === name);
    if (hub === undefined) throw new Error(`no hub "${name}" is linked`);
    return hub;
  }
}
