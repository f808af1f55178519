import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Names } from '../e2e/check/nameless.ts';
import { cut, PATIENCE_MS } from '../e2e/stage/site.ts';
import { insideNetworkNamespace } from '../namespace.ts';
import { DRIP_FROM, drip } from './drip.ts';
import { type Fault, matrix, type Scene } from './play.ts';

const HUB = (port: number) => `tcp dport ${port}`;
const ANSWER = (port: number) => `tcp sport ${port}`;
const KEEPALIVE = { settings: { 'network.keepalive': '"15s"' } } as const;
/** The next ping is answered within this time, or the line is dead. */
const PING = { withinMs: 120_000, backWithinMs: 120_000 } as const;

const portOf = ({ far }: Scene): number => Number(far.endpoints.hub1.split(':')[1]);
const table = (port: number): string => `table ip hub${port}`;
const rules = (port: number, text: string): unknown =>
  execFileSync('nft', [`${table(port)}; delete ${table(port)}; ${table(port)} { ${text}; }`]);
const drops = (at: Scene, ...which: readonly string[]): unknown =>
  rules(
    portOf(at),
    `chain in { type filter hook input priority filter; ${which.map((one) => `${one} drop;`).join(' ')} }`,
  );
/** From now on the gateway meets something before the hub: a port of this machine. */
const redirects = (at: Scene, to: number): unknown =>
  rules(
    portOf(at),
    `chain out { type nat hook output priority -100; ip saddr != ${DRIP_FROM} ${HUB(portOf(at))} redirect to :${to}; }`,
  );
const open = (at: Scene): unknown => execFileSync('nft', [`${table(portOf(at))}; delete ${table(portOf(at))}`]);

/** Packets between gateway and hub vanish. The hub does not see it, so its session looks open. */
const cutOff = (fault: string, begin: Fault['begin'], more: Partial<Fault> = {}): Fault => ({
  group: 'network',
  fault,
  code: /^NL-HUB-(UNREACHABLE|CLOSED|LOST|TWIN)$/,
  exit: 1,
  session: 'none',
  isSilent: true,
  options: () => KEEPALIVE,
  ...PING,
  begin,
  end: open,
  ...more,
});

/** newleaf has not asked the line yet, so there is nothing that it could tell. */
const UNSEEN = { code: undefined, exit: 0, session: 'open' } as const;

async function newSession({ far }: Scene): Promise<void> {
  const [session] = far.log.matching({ event: 'connected' }).slice(-1);
  await far.log.waitFor({ event: 'connected' }, 3 * PATIENCE_MS, session?.seq);
}

/** A name server of this network: it knows localhost, and takes its time. */
async function nameServer(t: TestContext, delayMs: number): Promise<void> {
  const socket = createSocket('udp4');
  // A question that is not answered yet has no socket to be answered on.
  const over = new AbortController();
  socket.on('message', (query, { port, address }) => {
    const isA = query.readUInt16BE(query.indexOf(0, 12) + 1) === 1;
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    const reply = Buffer.concat([query, isA ? answer : Buffer.alloc(0)]);
    reply.writeUInt16BE(0x8180, 2);
    reply.writeUInt16BE(isA ? 1 : 0, 6);
    void pause(delayMs, undefined, { signal: over.signal }).then(
      () => socket.send(reply, port, address),
      () => undefined,
    );
  });
  socket.bind(53, '127.255.255.254');
  await once(socket, 'listening');
  t.after(() => {
    over.abort();
    socket.close();
  });
}

/** A fault of the names: they are changed under the daemon, which looks them up for each connect. */
function ofNames(
  fault: string,
  lines: readonly string[],
  { serverMs, ...more }: Partial<Fault> & { readonly serverMs?: number } = {},
): Fault {
  let names: Names | undefined;
  const all = (...hosts: readonly string[]) => names?.forget(...hosts);
  return {
    group: 'network',
    fault,
    code: /^NL-HUB-UNREACHABLE$/,
    exit: 1,
    session: 'none',
    options(t) {
      names = new Names(t);
      all('127.0.0.1 localhost');
      return { runner: names.runner };
    },
    async begin({ t, far }) {
      if (serverMs !== undefined) await nameServer(t, serverMs);
      all(...lines);
      await cut(far);
    },
    end: () => all('127.0.0.1 localhost'),
    ...more,
  };
}

const FAULTS: readonly Fault[] = [
  cutOff('packets to the hub vanish', (at) => drops(at, HUB(portOf(at)))),
  cutOff('packets from the hub vanish', (at) => drops(at, ANSWER(portOf(at)))),
  cutOff('packets both ways vanish', (at) => drops(at, HUB(portOf(at)), ANSWER(portOf(at)))),
  cutOff(
    'a NAT forgets the connection in silence; new ones pass',
    async (at) => {
      const shown = execFileSync('ss', ['-Htn', `dport = :${portOf(at)}`], { encoding: 'utf8' });
      const ports = [...shown.matchAll(/127\.0\.0\.1:(\d+)\s+127\.0\.0\.1:/g)].map(([, port]) => port);
      const own = ports.map((port) => `tcp sport ${port} tcp dport ${portOf(at)}`);
      const back = ports.map((port) => `tcp sport ${portOf(at)} tcp dport ${port}`);
      drops(at, ...own, ...back);
    },
    {
      ...UNSEEN,
      async end(at) {
        await newSession(at);
        open(at);
      },
    },
  ),
  cutOff(
    'half-open: the hub has ended the session, and the gateway has not heard of it',
    async (at) => {
      drops(at, HUB(portOf(at)), ANSWER(portOf(at)));
      await cut(at.far);
    },
    {
      ...UNSEEN,
      async end(at) {
        open(at);
        await newSession(at);
      },
    },
  ),
  cutOff(
    'the hub drips: 20 bytes each tenth of a second',
    async (at) => {
      redirects(at, (await drip(at.t, portOf(at), 20)).port);
      await cut(at.far);
    },
    { code: undefined, exit: 0, session: 'open', isSilent: false, withinMs: 3 * PATIENCE_MS },
  ),
  cutOff(
    'the hub drips: one byte each tenth of a second',
    async (at) => {
      redirects(at, (await drip(at.t, portOf(at), 1)).port);
      await cut(at.far);
    },
    { code: /^NL-HUB-(CLOSED|UNREACHABLE)$/ },
  ),
  ofNames('no name is known', []),
  ofNames('a name server gives a wrong address, where nobody listens', ['127.0.0.9 localhost']),
  ofNames('a name server takes 3 s, and the resolver of the system waits for one', [], { serverMs: 3_000 }),
];

if (insideNetworkNamespace(import.meta.filename)) matrix('the network', FAULTS, import.meta.filename);
