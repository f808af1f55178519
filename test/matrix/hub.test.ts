import { setTimeout as pause } from 'node:timers/promises';
import { knockHub } from '../clients/raw.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import type { FaultName, FaultOptions } from '../simulator/faults.ts';
import { ofHub, REGISTER, register } from './laid.ts';
import { type Fault, matrix, type Scene } from './play.ts';

const ID = 'gw-0001';
/** A hub may answer so late that only a limit of newleaf ends the wait. */
const LATE = { withinMs: 90_000 } as const;
/**
 * Three sessions that end within a minute are followed by a pause of five minutes. Messages that were on their way may be what they
 * ended over: these go alone, after a minute of the next session.
 */
const FLAPPING = {
  ...LATE,
  isAlone: true,
  by: REGISTER,
  cost: { registrations: 1 },
  backWithinMs: 4 * PATIENCE_MS,
} as const;
const REGISTERS = { cost: { registrations: 1 } } as const;

/** Another client with the same identity comes back as often as it is thrown out. */
async function takesOver({ far, t, thumbprint }: Scene): Promise<void> {
  const thief = await far.clientIdentity(ID);
  await far.writeDevice('hub1', ID, thumbprint, thief.thumbprint);
  const over = new AbortController();
  t.after(() => over.abort());
  ends.set(t, () => over.abort());
  void (async () => {
    while (!over.signal.aborted) {
      const { client } = await knockHub(far.endpoints, far.endpoints.hub1, ID, thief);
      const gone = new Promise((resolve) => client.once('close', resolve));
      await Promise.race([gone, pause(2_000)]);
      client.end(true);
    }
  })();
}
const ends = new WeakMap<object, () => void>();

/** A fault that makes sessions end, after which a technician need not wait for the pause. */
const flapping = (fault: string, ...laid: [name: FaultName, options?: FaultOptions]): Fault => {
  const [name, options] = laid;
  return {
    ...ofHub(fault, name, /^NL-HUB-FLAPPING$/, { ...(options && { with: options }), ...FLAPPING }),
    async end(at) {
      await at.far.lift('hub1', name);
      await register(at);
    },
  };
};

/** CONNACK 0, and an end while the subscription is under way, or the twin is read. A session whose twin was read would be flapping. */
const endsBeforeTwin = (ms: number): Fault => {
  const laid = ofHub(
    `ends each session ${ms} ms after CONNACK 0, before a twin is read`,
    'accept-then-close',
    /^NL-HUB-LOST$/,
    {
      with: { ms },
    },
  );
  return {
    ...laid,
    async begin(at) {
      await at.far.lay('hub1', 'no-twin');
      await laid.begin(at);
    },
    async end(at) {
      await laid.end(at);
      await at.far.lift('hub1', 'no-twin');
    },
  };
};

const FAULTS: readonly Fault[] = [
  ofHub('its port is closed', 'port-closed', /^NL-HUB-UNREACHABLE$/),
  ofHub('each connection is reset', 'reset', /^NL-HUB-(CLOSED|UNREACHABLE)$/),
  ofHub('takes connections, and says nothing', 'silent', /^NL-HUB-(CLOSED|UNREACHABLE)$/, LATE),
  ofHub('never answers CONNECT', 'no-connack', /^NL-HUB-CLOSED$/, LATE),
  ofHub('closes at CONNECT', 'close-before-connack', /^NL-HUB-CLOSED$/),
  ...[1, 3].map((code) => ofHub(`CONNACK ${code}`, 'connack', /^NL-HUB-UNAVAILABLE$/, { with: { code } })),
  ...[2, 4, 5].map((code) =>
    ofHub(`CONNACK ${code}`, 'connack', /^NL-HUB-REJECTED$/, { with: { code }, ...REGISTERS }),
  ),
  ofHub('TLS alert 48, unknown CA', 'tls-alert', /^NL-HUB-CLOSED$/, { with: { code: 48 } }),
  ofHub('TLS alert 45, expired', 'tls-alert', /^NL-HUB-CLOSED$/, { with: { code: 45 } }),
  ofHub('TLS alert 42, before the handshake', 'tls-alert-early', /^NL-HUB-CLOSED$/, { with: { code: 42 } }),
  ofHub(
    'refuses the client certificate after the handshake, without an alert',
    'tls-refuses-client',
    /^NL-HUB-CLOSED$/,
  ),
  ...[0, 1, 2, 3].map(endsBeforeTwin),
  ofHub('its CA has changed', 'untrusted-server', /^NL-HUB-UNTRUSTED$/),
  ofHub('its certificate is for another name', 'wrong-host', /^NL-HUB-UNTRUSTED$/),
  ofHub('never answers a twin read', 'no-twin', /^NL-HUB-TWIN$/, LATE),
  ofHub('answers a twin read with 429', 'twin-status', /^NL-HUB-TWIN$/, { with: { status: 429 } }),
  ofHub('answers a twin read with 500', 'twin-status', /^NL-HUB-TWIN$/, { with: { status: 500 } }),
  flapping('ends each session after half a second', 'accept-then-close', { ms: 500 }),
  flapping('its quota is used up: it closes at each message', 'quota-used'),
  {
    group: 'hub',
    fault: 'another client with the same identity takes over again and again',
    code: /^NL-HUB-FLAPPING$/,
    exit: 1,
    session: 'none',
    // The hub sees the one who has taken over.
    isSilent: true,
    ...FLAPPING,
    begin: takesOver,
    end(at) {
      ends.get(at.t)?.();
      return register(at);
    },
  },
  {
    group: 'hub',
    fault: 'the identity is deleted, and the enrollment is there',
    isAlone: true,
    code: /^NL-HUB-REJECTED$/,
    exit: 1,
    session: 'none',
    by: REGISTER,
    cost: { registrations: 2 },
    // Else it would be over before anyone has looked.
    async begin({ far }) {
      await far.lay('dps', 'no-answer', { times: 1 });
      await far.forget(ID);
    },
    end: register,
  },
  {
    group: 'hub',
    fault: 'the identity is disabled',
    code: /^NL-HUB-REJECTED$/,
    exit: 1,
    session: 'none',
    ...REGISTERS,
    begin: ({ far }) => far.setDeviceStatus(ID, 'disabled'),
    end: ({ far }) => far.setDeviceStatus(ID, 'enabled'),
  },
  {
    group: 'hub',
    fault: 'identity and enrollment are deleted',
    isAlone: true,
    code: /^NL-DPS-(401002|404201)$/,
    exit: 4,
    session: 'none',
    by: 'the operator enrolls it again, `newleaf reprovision`',
    cost: { registrations: 4, leaves: 1 },
    withinMs: PATIENCE_MS,
    async begin({ far }) {
      await far.removeEnrollment('gateways');
      await far.forget(ID);
    },
    async end(at) {
      await at.far.enrollGroup({ groupId: 'gateways', primary: at.far.endpoints.issuerPem });
      await register(at);
    },
  },
  {
    group: 'hub',
    fault: 'the gateway is moved to the second hub while the first is away',
    isAlone: true,
    code: /^NL-HUB-(UNREACHABLE|LOST)$/,
    exit: 1,
    session: 'none',
    ...REGISTERS,
    begin: ({ far }) => far.lay('hub1', 'port-closed'),
    by: REGISTER,
    async end(at) {
      await at.far.assign(ID, 'hub2');
      await register(at);
    },
  },
];
matrix('the hub', FAULTS, import.meta.filename);
