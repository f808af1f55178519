import { NAMESPACE_ID } from './adr/arm.ts';
import { Issuing } from './adr/issuing.ts';
import { Namespace } from './adr/namespace.ts';
import { Authority } from './ca.ts';
import { CaTrust } from './ca-trust.ts';
import { type Caller, Door, MQTTS } from './door.ts';
import { Dps } from './dps.ts';
import { Enrollments } from './enrollments.ts';
import { Est } from './est.ts';
import { Faults } from './faults.ts';
import { Hub } from './hub.ts';
import { type HubName, Log, type ServerName } from './log.ts';
import { Lookup } from './lookup.ts';
import { Simulator } from './operations.ts';
import { Registrar } from './registrar.ts';
import { Registry } from './registry.ts';
import { openRest } from './rest/open.ts';
import { DEFAULT_SWITCHES, type Switches } from './switches.ts';
import { onFirstWord } from './tongue.ts';
import { TpmRegistration } from './tpm-registration.ts';
import { WebSockets } from './websockets.ts';

export type { Simulator } from './operations.ts';

/** What a server is called, and where it is: as in another cloud, or behind a private endpoint. */
export interface Place {
  /** The only name that its certificate is for. */
  readonly name: string;
  readonly address: string;
  /** Default 8883, with 443 beside it; no host names it then. */
  readonly port?: number;
}

export interface SimulatorOptions {
  /** Default '0ne00000000'. */
  readonly idScope?: string;
  /** Default: any free port. */
  readonly ports?: Partial<Record<ServerName, number>>;
  /** Default: localhost at 127.0.0.1, and a port in each host. */
  readonly places?: Readonly<Partial<Record<'dps' | HubName, Place>>>;
  readonly switches?: Partial<Switches>;
  /** The clock by which certificates are judged, in milliseconds since the epoch. Default Date.now. */
  readonly now?: () => number;
}

const EST_USERNAME = 'newleaf';
const EST_PASSWORD = 'let-me-in';

/** Starts DPS, two hubs and EST, on 127.0.0.1 where they have no place of their own. The caller closes it. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { idScope = '0ne00000000', ports = {}, places = {}, now = Date.now } = options;
  const switches = { ...DEFAULT_SWITCHES, ...options.switches };
  const log = new Log();
  const faults = new Faults(log);
  const [serverCa, deviceCa, bootstrap, nobody] = await Promise.all([
    Authority.create('server CA', 0),
    Authority.create('device CA'),
    Authority.create('bootstrap CA', 0),
    Authority.create('CA that nobody trusts', 0),
  ]);
  const identities = async (ca: Authority, place?: Place) => {
    const own: [string[], string?] = place === undefined ? [['localhost'], '127.0.0.1'] : [[place.name]];
    return {
      identity: await ca.serverIdentity(...own),
      untrusted: await nobody.serverIdentity(...own),
      wrongHost: await ca.serverIdentity(['elsewhere.example']),
    };
  };
  const [dpsIdentities, hub1Identities, hub2Identities, estIdentities] = await Promise.all([
    identities(serverCa, places.dps),
    identities(serverCa, places.hub1),
    identities(serverCa, places.hub2),
    identities(deviceCa),
  ]);
  const identitiesOf = { dps: dpsIdentities, hub1: hub1Identities, hub2: hub2Identities, est: estIdentities };
  const clientRoot = deviceCa.rootPem;
  let connections = 0;
  const nextConnection = (): number => {
    connections += 1;
    return connections;
  };
  const placeOf = (name: ServerName): Place | undefined => (name === 'est' ? undefined : places[name]);
  const door = (name: ServerName, onCaller: (caller: Caller) => void): Door => {
    const address = placeOf(name)?.address;
    return new Door({
      name,
      log,
      faults,
      switches,
      nextConnection,
      onCaller,
      clientRoot,
      address,
      ...identitiesOf[name],
    });
  };

  const namespace = new Namespace(now);
  const trusts = { hub1: new CaTrust(namespace), hub2: new CaTrust(namespace) };
  const registries = { hub1: new Registry(), hub2: new Registry() };
  const hub = (name: HubName): Hub => {
    const names = () => [hostOf(name), rest.hosts[name]];
    const trust = trusts[name];
    return new Hub({ name, log, faults, switches, registry: registries[name], names, now, namespace, trust });
  };
  const hubs = { hub1: hub('hub1'), hub2: hub('hub2') };
  const inWebSockets = (name: ServerName, onCaller: (caller: Caller) => void): WebSockets =>
    new WebSockets({ name, log, faults, switches, nextConnection, onCaller });
  const webSockets = {
    dps: inWebSockets('dps', (caller) => dpsServer.accept(caller)),
    hub1: inWebSockets('hub1', (caller) => hubs.hub1.accept(caller)),
    hub2: inWebSockets('hub2', (caller) => hubs.hub2.accept(caller)),
  };
  const hubDoor = (name: HubName): Door =>
    door(name, (caller) =>
      onFirstWord(
        caller.socket,
        () => webSockets[name].accept(caller),
        () => hubs[name].accept(caller),
      ),
    );
  const hub1 = hubDoor('hub1');
  const hub2 = hubDoor('hub2');
  const hostOf = (name: ServerName): string => {
    const { port } = doors[name];
    const place = placeOf(name);
    return place !== undefined && port === MQTTS ? place.name : `${place?.name ?? 'localhost'}:${port}`;
  };
  const enrollments = new Enrollments();
  const rest = await openRest({
    webSockets,
    log,
    faults,
    switches,
    enrollments,
    namespace,
    registries,
    hubs,
    authority: serverCa,
    now,
  });
  const linked = [
    { name: 'hub1' as const, host: () => hostOf('hub1'), restHost: rest.hosts.hub1, registry: registries.hub1 },
    { name: 'hub2' as const, host: () => hostOf('hub2'), restHost: rest.hosts.hub2, registry: registries.hub2 },
  ];
  const registrar = new Registrar(enrollments, linked, switches, now);
  const issuing = new Issuing({ namespace, registrar, switches, faults });
  const dpsServer = new Dps({ idScope, log, faults, switches, registrar, issuing, now });
  const tpm = new TpmRegistration({ idScope, log, faults, switches, registrar, issuing, now });
  const lookup = new Lookup({ idScope, log, switches, registrar, now, tpm, webSockets: webSockets.dps });
  const dps = door('dps', (caller) =>
    onFirstWord(
      caller.socket,
      () => lookup.accept(caller),
      () => dpsServer.accept(caller),
    ),
  );
  const credentials = { username: EST_USERNAME, password: EST_PASSWORD };
  const estServer = new Est(deviceCa, { log, faults, switches, now, bootstrap, ...credentials });
  const est = door('est', (caller) => estServer.accept(caller));

  const doors = { dps, hub1, hub2, est };
  for (const name of ['dps', 'hub1', 'hub2'] as const) {
    const identity = rest.identities[name];
    if (identity) doors[name].alsoAt(rest.hosts[name], identity);
  }
  const names = ['dps', 'hub1', 'hub2', 'est'] as const;
  const portOf = (name: ServerName) => placeOf(name) && (placeOf(name)?.port ?? MQTTS);
  const openings = await Promise.allSettled(names.map((name) => doors[name].open(ports[name] ?? portOf(name))));
  const failed = openings.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') {
    await Promise.all([rest.close(), ...names.map((name) => doors[name].shut())]);
    throw failed.reason;
  }
  return new Simulator(
    {
      log,
      faults,
      switches,
      registrar,
      registries,
      hubs,
      namespace,
      trusts,
      est: estServer,
      bootstrap,
      doors,
      rest,
    },
    {
      idScope,
      dps: hostOf('dps'),
      hub1: hostOf('hub1'),
      hub2: hostOf('hub2'),
      est: `https://${hostOf('est')}/.well-known/est`,
      estUsername: EST_USERNAME,
      estPassword: EST_PASSWORD,
      ...rest.connectionStrings,
      namespaceId: NAMESPACE_ID,
      trustPem: serverCa.rootPem,
      estCaPem: deviceCa.rootPem,
      issuerPem: deviceCa.issuerPem,
    },
  );
}
