import { randomBytes } from 'node:crypto';
import { Arm, armKnows, armRefusalBody } from '../adr/arm.ts';
import type { Namespace } from '../adr/namespace.ts';
import type { Authority, Identity } from '../ca.ts';
import type { Enrollments } from '../enrollments.ts';
import type { Faults } from '../faults.ts';
import type { Hub } from '../hub.ts';
import type { HubName, Log } from '../log.ts';
import type { Registry } from '../registry.ts';
import type { Switches } from '../switches.ts';
import { dpsKnows } from '../versions.ts';
import type { WebSockets } from '../websockets.ts';
import { AUDIENCES } from './bearer.ts';
import { DpsRest, dpsRefusalBody } from './dps-routes.ts';
import { HubRest, hubRefusalBody } from './hub-routes.ts';
import { connectionString } from './sas.ts';
import { RestServer } from './server.ts';

export interface RestParts {
  readonly log: Log;
  readonly faults: Faults;
  readonly switches: Switches;
  readonly enrollments: Enrollments;
  readonly namespace: Namespace;
  readonly registries: Readonly<Record<HubName, Registry>>;
  readonly hubs: Readonly<Record<HubName, Hub>>;
  /** On the same port, as in Azure. */
  readonly webSockets: Readonly<Record<'dps' | HubName, WebSockets>>;
  /** Signs the server certificates. */
  readonly authority: Authority;
  readonly now: () => number;
}

/** The service side of everything: where it is, and how to end it. */
export interface Rest {
  readonly connectionStrings: {
    readonly dpsService: string;
    readonly hub1Service: string;
    readonly hub2Service: string;
    readonly armService: string;
  };
  readonly hosts: Readonly<Record<'dps' | HubName, string>>;
  /** For the device side under the same host. */
  readonly identities: Readonly<Record<'dps' | HubName, Identity | undefined>>;
  close(): Promise<void>;
}

/** How each service refuses; 401003 is "IoT Hub couldn't authenticate the auth header" (troubleshoot-error-codes). */
const DPS = { refusalBody: dpsRefusalBody, unauthorized: [401000, 'Unauthorized'], audience: AUDIENCES.dps } as const;
const HUB = {
  refusalBody: hubRefusalBody,
  unauthorized: [401003, 'IotHubUnauthorized'],
  audience: AUDIENCES.hub,
} as const;

const ARM = {
  refusalBody: armRefusalBody,
  unauthorized: [401000, 'AuthenticationFailed'],
  audience: AUDIENCES.arm,
  knows: armKnows,
} as const;

/** Opens the REST side of DPS, of both hubs and of Resource Manager, each with a policy and a key of its own. */
export async function openRest(parts: RestParts): Promise<Rest> {
  const { log, faults, authority, now, switches, enrollments, namespace, registries, hubs, webSockets } = parts;
  const dpsRest = new DpsRest(enrollments, switches, namespace);
  const rest1 = new HubRest('hub1', registries.hub1, hubs.hub1, log);
  const rest2 = new HubRest('hub2', registries.hub2, hubs.hub2, log);
  const shared = { log, faults, authority, now };
  const own = (policy: string) => ({ ...shared, policy, key: randomBytes(32).toString('base64') });
  const arm = new Arm(namespace, switches);
  const [dps, hub1, hub2, manager] = await Promise.all([
    RestServer.open(
      {
        ...own('provisioningserviceowner'),
        ...DPS,
        name: 'dps',
        webSockets: webSockets.dps,
        // The SDKs of before 2025 each have another one.
        knows: (version) => version < '2025' || dpsKnows(version, switches.dpsVersions),
      },
      dpsRest.routes,
    ),
    RestServer.open({ ...own('iothubowner'), ...HUB, name: 'hub1', webSockets: webSockets.hub1 }, rest1.routes),
    RestServer.open({ ...own('iothubowner'), ...HUB, name: 'hub2', webSockets: webSockets.hub2 }, rest2.routes),
    RestServer.open({ ...own('owner'), ...ARM, name: 'arm' }, arm.routes),
  ]);
  return {
    connectionStrings: {
      dpsService: connectionString(dps.access),
      hub1Service: connectionString(hub1.access),
      hub2Service: connectionString(hub2.access),
      armService: connectionString(manager.access),
    },
    hosts: { dps: dps.access.host, hub1: hub1.access.host, hub2: hub2.access.host },
    identities: { dps: dps.identity, hub1: hub1.identity, hub2: hub2.identity },
    async close() {
      rest1.jobs.stop();
      rest2.jobs.stop();
      await Promise.all([dps.close(), hub1.close(), hub2.close(), manager.close()]);
    },
  };
}
