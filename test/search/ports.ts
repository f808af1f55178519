import { Fault, failure } from '../../agent/failure/failure.ts';
import { Keepalive } from '../../agent/hub/keepalive.ts';
import type { HubRenewal } from '../../agent/issuer/azure/renewal.ts';
import { EarlyChain } from '../../agent/keys/early-chain.ts';
import { USUAL } from '../../agent/mqtt/pings.ts';
import { type Assignment, isEndorsed } from '../../agent/roll/leaf.ts';
import type { Dps, Hub, HubSignal, Issuer, Keys, Ports } from '../../agent/roll/ports.ts';
import { KEY_MADE_MS } from '../../agent/time/token-limits.ts';
import { Link } from './azure/link.ts';
import { azurePorts } from './azure/ports.ts';
import { csrFor, keyIn } from './csr.ts';
import { noted } from './questions.ts';
import { fail, LATENCY_MS, registration, type Wait } from './registration.ts';
import type { World } from './world.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const SLOW_MS = 9 * MINUTE;

/** The world as one process of the daemon meets it; once that is gone, nothing that it still wants has an effect. */
export function portsOf(world: World, process: number): Ports {
  const { clock } = world.options;
  const wait: Wait = async (ms, abort) => {
    await clock.sleep(ms, abort);
    if (world.process !== process) await new Promise(() => {});
    if (abort?.aborted) throw new Fault('NL-INTERNAL', { message: 'ended' });
  };
  const azure = world.azure && azurePorts(world, world.azure, wait);
  if (world.azure && azure) world.azure.trouble = azure.trouble;
  const ports: Ports = {
    keys: keysOf(world, wait),
    ...issuerOf(world, azure?.issuer ?? caOf(world, wait)),
    opensAnew: async ({ key }) => {
      await wait(LATENCY_MS);
      if (world.canSignAnew(key)) return undefined;
      return failure(world.token.refusalOfNew() ?? (world.token.has(key) ? 'NL-TOKEN-FAILED' : 'NL-TOKEN-KEY'));
    },
    dps: azure?.dps ?? dpsOf(world, wait),
    hub: hubOf(world, wait, process, azure?.renewal),
  };
  return noted(ports, world, process);
}

function keysOf(world: World, wait: Wait): Keys {
  const { current, candidate, broken } = world.options;
  return {
    generate: async (slot, id) => {
      await wait(LATENCY_MS);
      world.ask('generate', { slot, id });
      fail(world.faults.generate);
      if (world.faults.hangs) {
        await wait(KEY_MADE_MS);
        throw Object.assign(new Fault('NL-TOKEN-HUNG'), { isLasting: true });
      }
      const keys = world.token.keys();
      const found = keys.get(slot);
      if (found !== undefined && found !== id) throw new Fault('NL-TOKEN-OCCUPIED');
      return found === undefined ? world.makeKey(slot, id) : { slot, id };
    },
    csr: async (key) => {
      await wait(100);
      fail(world.token.keys().get(key.slot) === key.id ? world.faults.sign : 'NL-TOKEN-KEY');
      fail(world.token.isOutdated(key) && 'NL-ISSUER-NEW-KEY');
      fail(world.token.isDamaged(key) && 'NL-TOKEN-POISONED');
      return csrFor(key);
    },
    destroy: async (key) => {
      await wait(LATENCY_MS);
      world.ask('destroy', key);
      fail(world.faults.destroy);
      for (const leaf of [current(), candidate()])
        if (leaf?.key.id === key.id) broken('a key is destroyed that the journal relies on');
      const keys = world.token.keysAnew();
      if (keys.get(key.slot) === key.id) keys.delete(key.slot);
    },
  };
}

/** A CA that is asked by the gateway itself. */
const caOf = (world: World, wait: Wait): Issuer => ({
  issue: async (csr, abort) => {
    const { issuer: fault, issuerOddly, network } = world.faults;
    const isSlow = issuerOddly === 'slow' || issuerOddly === 'deaf';
    await wait(isSlow ? SLOW_MS : LATENCY_MS, issuerOddly === 'deaf' ? undefined : abort);
    world.ask('issue', keyIn(csr));
    fail(network && 'NL-EST-UNREACHABLE');
    fail(fault?.code, fault?.retryAfterMs);
    fail(!world.signs(keyIn(csr)) && 'NL-ISSUER-NEW-KEY');
    return world.issue(keyIn(csr), issuerOddly === 'ahead' ? { aheadMs: 3 * DAY } : {}).chain;
  },
});

/** An issuer, and the judge of what it gives. */
function issuerOf(world: World, asked: Issuer): Pick<Ports, 'issuer' | 'judge'> {
  const early = new EarlyChain();
  const judge: Ports['judge'] = async (delivered, { id }) => {
    fail(world.faults.judge);
    fail(world.token.isOutdated({ id }) && 'NL-LEAF-KEY');
    const chain = String(delivered);
    return early.watch(chain, () => {
      const leaf = world.leaves.get(chain);
      if (leaf === undefined) throw new Fault('NL-LEAF-PARSE');
      fail(world.azure !== undefined && leaf.key.id !== id && 'NL-LEAF-KEY');
      const earlyMs = leaf.notBefore - world.options.clock.now();
      if (earlyMs > 0) fail('NL-LEAF-NOT-YET', earlyMs);
      fail(!world.isLive(leaf, MINUTE) && 'NL-LEAF-VALIDITY');
      return leaf;
    });
  };
  return { issuer: early.before(asked), judge };
}

const dpsOf = (world: World, wait: Wait): Dps => ({
  register: async (leaf, abort) => {
    const assignment = await registration(world, wait, abort, {
      leaf,
      handshake: () => world.handshakeOf(leaf),
      refusal: () => world.refusalOf(leaf),
      pins: leaf.thumbprint,
    });
    return isEndorsed(leaf) ? { ...assignment, key: `key ${world.calls.register.length}` } : assignment;
  },
});

function hubOf(world: World, wait: Wait, process: number, user?: HubRenewal): Hub {
  const { clock } = world.options;
  const keepalive = new Keepalive(USUAL.everyMs, () => clock.monotonic());
  return {
    connect: async (leaf, { hub }: Assignment, abort) => {
      await wait(LATENCY_MS, abort);
      world.ask('connect', leaf, hub);
      world.token.keys();
      fail(world.handshakeOf(leaf));
      const refusal = world.rejectionOf(leaf, hub) ?? (world.knows(leaf, hub) ? undefined : 'NL-HUB-REJECTED');
      if (refusal !== undefined) keepalive.failed(new Fault(refusal));
      if (world.faults.hubOddly === 'mute') {
        // The hub drops the older connection of the device; that of another hub is left alone.
        if (world.session?.hub === hub) world.endSession();
        await wait(30 * LATENCY_MS, abort);
        fail('NL-HUB-TWIN');
      }
      if (world.faults.hubOddly === 'drops' && leaf.thumbprint === world.options.candidate()?.thumbprint) {
        if (world.session?.hub === hub) world.endSession();
        fail('NL-HUB-LOST');
      }
      world.count('read twin');
      const { everyMs } = keepalive.begin();
      const link = user && new Link(world, user);
      const session = { leaf, hub, since: clock.monotonic(), process, keepalive, everyMs, ...(link && { link }) };
      world.session = session;
      world.token.beside.add(leaf);
      if (link) user.opened(link);
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
