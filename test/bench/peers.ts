import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BARE_NODE } from './node.ts';
import { cpuMsOf, memoryOf, sleepsOf } from './proc.ts';
import { measured, type Reading } from './reading.ts';
import { roundRobin, sampleOf } from './rounds.ts';
import type { Stand } from './stand.ts';

const run = promisify(execFile);

/** V8 collects what a start has left, and what is measured then are the ends of some intervals: a ping is sent every 180 s. */
const CALM_MS = 40_000;
const REST_MS = 180_000;
const MS_AN_HOUR = 3_600_000;
const PATIENCE_MS = 30_000;

/**
 * What a user would write or install instead, in the same run: Microsoft's sample on the SDK as it is, and a client in C that has the
 * same token, engine and key.
 */
export async function peers(stand: Stand): Promise<readonly Reading[]> {
  await stand.far.set({ answerAtOnce: true });
  const gateway = await stand.gateway('peers');
  const device = await stand.rawDevice();
  const leaf = await device.firstLeaf(stand.far);
  const hub = await device.register(leaf);
  const { directory, environment, token, pin, module } = device.hsm;
  const file = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const chain = file('chain.pem', leaf.chain);
  const ca = file('trust.pem', stand.trustPem);
  const key = `pkcs11:token=${token};object=${leaf.key.label};type=private;pin-value=${pin}`;
  const env = { ...process.env, ...environment, PKCS11_MODULE_PATH: module };
  const { hostname, port } = new URL(`mqtts://${hub}`);
  const id = device.registrationId;

  // Before mosquitto_sub has the session of this device.
  const openssl = ['s_client', '-engine', 'pkcs11', '-keyform', 'engine', '-key', key];
  const shaken = await roundRobin({
    async openssl() {
      const before = performance.now();
      const child = run('openssl', [...openssl, '-cert', chain, '-CAfile', ca, '-connect', hub], { env });
      child.child.stdin?.end();
      await child.catch(() => undefined);
      return { ms: performance.now() - before };
    },
    async newleaf() {
      const before = performance.now();
      (await device.connect(leaf, hub)).end();
      return { ms: performance.now() - before };
    },
  });

  const other = new Sample(stand, file, 'starting');
  const begun = await roundRobin({ sample: () => other.start() });
  const user = `${hub}/${id}/?api-version=2021-04-12`;
  const topic = `devices/${id}/messages/devicebound/#`;
  const engine = ['--tls-engine', 'pkcs11', '--keyform', 'engine', '--key', key, '--cert', chain, '--cafile', ca];
  const mosquitto = spawn(
    'mosquitto_sub',
    ['-h', hostname, '-p', port, '-i', id, '-u', user, '-t', topic, '-k', '180', ...engine],
    { env, stdio: 'ignore' },
  );
  await stand.start(gateway);
  const sample = new Sample(stand, file, 'sample');
  await sample.stay();
  await pause(CALM_MS);
  const inC = mosquitto.pid ?? 0;
  const look = () => [gateway.pid, inC].map((pid) => ({ cpu: cpuMsOf(pid), sleeps: sleepsOf(pid) }));
  const [before, memory] = [look(), sampleOf([memoryOf(sample.pid).pss])];
  const [pss, pssInC] = [sampleOf([memoryOf(gateway.pid).pss]), sampleOf([memoryOf(inC).pss])];
  const refused = sample.refuse();
  await pause(REST_MS);
  const after = look();
  const since = (subject: 0 | 1, of: 'cpu' | 'sleeps', times: number) =>
    sampleOf([((after[subject]?.[of] ?? Number.NaN) - (before[subject]?.[of] ?? Number.NaN)) * times]);
  const refusal = await refused;
  await Promise.all([gateway.stop(), ended(mosquitto)]);
  await sample.end();
  return [
    measured(
      'TLS and CONNACK in a warm process, beside a whole openssl s_client',
      'ms',
      shaken.newleaf.ms,
      shaken.openssl.ms,
    ),
    measured("Microsoft's sample: start until its twin is read", 'ms', begun.sample.ms),
    measured("idle PSS, beside Microsoft's sample", 'MiB', pss, memory),
    {
      ...measured("Microsoft's sample: sessions after a refusal, in 30 s", '', sampleOf([refusal.sessions])),
      note: refusal.note,
    },
    measured(
      'idle CPU, beside mosquitto_sub',
      'ms/h',
      since(0, 'cpu', MS_AN_HOUR / REST_MS),
      since(1, 'cpu', MS_AN_HOUR / REST_MS),
    ),
    measured(
      'wake-ups, beside mosquitto_sub',
      '1/s',
      since(0, 'sleeps', 1_000 / REST_MS),
      since(1, 'sleeps', 1_000 / REST_MS),
    ),
    measured('idle PSS, beside mosquitto_sub', 'MiB', pss, pssInC),
  ];
}

async function ended(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill();
  await closed;
}

/** Microsoft's sample (sample.cjs) with a key in a file. */
class Sample {
  readonly #stand: Stand;
  readonly #file: (name: string, text: string) => string;
  readonly #id: string;
  #child: ChildProcess | undefined;

  constructor(stand: Stand, file: (name: string, text: string) => string, name: string) {
    this.#stand = stand;
    this.#file = file;
    this.#id = stand.idOf(name);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** A whole start: it registers each time. */
  async start(): Promise<{ readonly ms: number }> {
    const before = performance.now();
    await this.stay();
    const ms = performance.now() - before;
    await this.end();
    return { ms };
  }

  async stay(): Promise<void> {
    const { far, trustPem } = this.#stand;
    const { cert, key } = await far.clientIdentity(this.#id);
    const { dps, idScope } = far.endpoints;
    const given = this.#file(`${this.#id}.json`, JSON.stringify({ dps, idScope, id: this.#id, cert, key }));
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: this.#file('sample-ca.pem', trustPem) };
    const child = spawn(BARE_NODE, [join(import.meta.dirname, 'sample.cjs'), given], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    if (child.stdout !== null) await once(createInterface(child.stdout), 'line');
  }

  /** The hub forgets the device: what a program does on its own about that. */
  async refuse(): Promise<{ readonly sessions: number; readonly note: string }> {
    await this.#stand.news(this.#id);
    await this.#stand.far.forget(this.#id);
    await pause(PATIENCE_MS);
    const seen = await this.#stand.news(this.#id);
    const count = (server: string, event: string) =>
      seen.filter((one) => one.server === server && one.event === event).length;
    const [asked, sessions, tries] = [count('dps', 'register'), count('hub1', 'connected'), count('hub1', 'connack')];
    return { sessions, note: `${tries} connects, ${asked} registrations` };
  }

  async end(): Promise<void> {
    if (this.#child !== undefined) await ended(this.#child);
  }
}
