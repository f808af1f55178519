import { type Code, Fault, failure } from '../../agent/failure/failure.ts';
import { Keepalive } from '../../agent/hub/keepalive.ts';
import { EarlyChain } from '../../agent/keys/early-chain.ts';
import { USUAL } from '../../agent/mqtt/pings.ts';
import type { Assignment, KeyRef, Leaf } from '../../agent/roll/leaf.ts';
import type { Dps, Hub, HubSignal, Keys, Ports } from '../../agent/roll/ports.ts';
import type { World } from './world.ts';

/** A registration that ends like this has not reached DPS: it costs the gateway a packet, and DPS nothing. */
const UNREACHED: ReadonlySet<Code> = new Set<Code>(['NL-DPS-UNREACHABLE', 'NL-DPS-UNTRUSTED']);

const LATENCY_MS = 1_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const SLOW_MS = { dps: 130_000, issuer: 9 * MINUTE } as const;

type Wait = (ms: number, abort?: AbortSignal) => Promise<void>;

const fail = (code: Code | false | undefined, retryAfterMs?: number): void => {
  if (code) throw new Fault(code, retryAfterMs === undefined ? {} : { retryAfterMs });
};

/** The world as one process of the daemon meets it; once that is gone, nothing that it still wants has an effect. */
export function portsOf(world: World, process: number): Ports {
  const { clock } = world.options;
  const wait: Wait = async (ms, abort) => {
    await clock.sleep(ms, abort);
    if (world.process !== process) await new Promise(() => {});
    if (abort?.aborted) throw new Fault('NL-INTERNAL', { message: 'ended' });
  };
  return {
    keys: keysOf(world, wait),
    ...issuerOf(world, wait),
    opensAnew: async ({ key }) => {
      await wait(LATENCY_MS);
      const code = world.token.refusalOfNew() ?? (world.token.has(key) ? undefined : 'NL-TOKEN-KEY');
      return code && failure(code);
    },
    dps: dpsOf(world, wait),
    hub: hubOf(world, wait, process),
  };
}

function keysOf(world: World, wait: Wait): Keys {
  const { current, candidate, broken } = world.options;
  return {
    generate: async (slot, id) => {
      await wait(LATENCY_MS);
      world.count('generate');
      fail(world.faults.generate);
      const keys = world.token.keys();
      const found = keys.get(slot);
      if (found !== undefined && found !== id) throw new Fault('NL-TOKEN-OCCUPIED');
      return found === undefined ? world.makeKey(slot, id) : { slot, id };
    },
    csr: async (key) => {
      await wait(100);
      fail(world.token.keys().get(key.slot) === key.id ? world.faults.sign : 'NL-TOKEN-KEY');
      return JSON.stringify(key);
    },
    destroy: async (key) => {
      await wait(LATENCY_MS);
      world.count('destroy');
      fail(world.faults.destroy);
      for (const leaf of [current(), candidate()])
        if (leaf?.key.id === key.id) broken('a key is destroyed that the journal relies on');
      const keys = world.token.keysAnew();
      if (keys.get(key.slot) === key.id) keys.delete(key.slot);
    },
  };
}

/** An issuer, and the judge of what it gives. */
function issuerOf(world: World, wait: Wait): Pick<Ports, 'issuer' | 'judge'> {
  const early = new EarlyChain();
  const issuer = early.before({
    issue: async (csr, abort) => {
      const { issuer: fault, issuerOddly, network } = world.faults;
      const isSlow = issuerOddly === 'slow' || issuerOddly === 'deaf';
      await wait(isSlow ? SLOW_MS.issuer : LATENCY_MS, issuerOddly === 'deaf' ? undefined : abort);
      world.count('issue');
      fail(network && 'NL-EST-UNREACHABLE');
      fail(fault?.code, fault?.retryAfterMs);
      const key = JSON.parse(csr) as KeyRef;
      return JSON.stringify(world.issue(key, issuerOddly === 'ahead' ? { aheadMs: 3 * DAY } : {}));
    },
  });
  const judge: Ports['judge'] = async (delivered) => {
    fail(world.faults.judge);
    const chain = String(delivered);
    return early.watch(chain, () => {
      const leaf = JSON.parse(chain) as Leaf;
      const earlyMs = leaf.notBefore - world.options.clock.now();
      if (earlyMs > 0) fail('NL-LEAF-NOT-YET', earlyMs);
      fail(!world.isLive(leaf, MINUTE) && 'NL-LEAF-VALIDITY');
      return leaf;
    });
  };
  return { issuer, judge };
}

function dpsOf(world: World, wait: Wait): Dps {
  return {
    register: async (leaf, abort) => {
      await wait(world.faults.dpsOddly === 'slow' ? SLOW_MS.dps : 2 * LATENCY_MS, abort);
      const { dpsOddly, hubLags = 0 } = world.faults;
      world.count('register');
      world.token.keys();
      fail(world.handshakeOf(leaf));
      const refusal = world.refusalOf(leaf);
      if (refusal === undefined || !UNREACHED.has(refusal.code)) world.count('reach DPS');
      fail(refusal?.code, refusal?.retryAfterMs);
      if (dpsOddly === 'flips') world.assigns = world.assigns === 'hub1' ? 'hub2' : 'hub1';
      const hub = world.assigns;
      if (dpsOddly !== 'forgets') world.write(hub, leaf, hubLags);
      if (dpsOddly === 'loses') fail('NL-DPS-TIMEOUT');
      return { hub, deviceId: 'gw-1' };
    },
  };
}

function hubOf(world: World, wait: Wait, process: number): Hub {
  const { clock } = world.options;
  const keepalive = new Keepalive(USUAL.everyMs, () => clock.monotonic());
  return {
    connect: async (leaf, { hub }: Assignment, abort) => {
      await wait(LATENCY_MS, abort);
      world.count('connect');
      world.token.keys();
      fail(world.handshakeOf(leaf));
      const isKnown = world.registry.get(hub) === leaf.thumbprint;
      const refusal = world.rejectionOf(leaf, hub) ?? (isKnown ? undefined : 'NL-HUB-REJECTED');
      if (refusal !== undefined) keepalive.failed(new Fault(refusal));
      if (world.faults.hubOddly === 'mute') {
        // The hub drops the older connection of the device; that of another hub is left alone.
        if (world.session?.hub === hub) world.endSession();
        await wait(30 * LATENCY_MS, abort);
        fail('NL-HUB-TWIN');
      }
      world.count('read twin');
      const { everyMs } = keepalive.begin();
      const session = { leaf, hub, since: clock.monotonic(), process, keepalive, everyMs };
      world.session = session;
      world.box();
      const { hubDrops } = world.faults;
      if (hubDrops !== undefined)
        void clock.sleep(hubDrops).then(() => (world.session === session ? world.endSession() : undefined));
    },
    silentMs: () => undefined,
    report: async () => {
      world.count('report');
      fail(world.faults.twin && 'NL-HUB-TWIN');
    },
    close: async () => {
      if (world.session?.process === process) world.session = undefined;
    },
    signals: { [Symbol.asyncIterator]: () => signalsOf(world) },
  };
}

async function* signalsOf(world: World): AsyncGenerator<HubSignal> {
  const waiting: HubSignal[] = [];
  let wake = () => {};
  world.hear = (signal) => {
    waiting.push(signal);
    wake();
  };
  for (;;) {
    const signal = waiting.shift();
    if (signal !== undefined) yield signal;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
}
