import { setTimeout as pause } from 'node:timers/promises';
import { Counting } from '../e2e/stage/counting.ts';
import { Broker } from './broker.ts';
import { Flash } from './flash.ts';
import { cpuMsOf, memoryOf } from './proc.ts';
import { type Reading, short } from './reading.ts';
import type { Stand } from './stand.ts';

const NAMES = ['one', 'two', 'three', 'four', 'five'];
/** Of each of them. */
const EVERY_MS = 100;
const BODY_BYTES = 200;
/** Fewer, to look at the bench itself: `MINUTES=2`. */
const MINUTES = Number(process.env.MINUTES ?? 20);
const MINUTE_MS = 60_000;
/** A program has a file of 256 KiB written in advance, and V8 grows to what it needs. */
const WARM_MS = 10_000;
const ROLL_MS = 5_000;

/**
 * What five programs cost that send 10 messages a second each, and what they see of a roll; beside them the same programs send to
 * mosquitto. Each has a device of its own.
 */
export async function uplink(stand: Stand): Promise<readonly Reading[]> {
  const [flash, other] = [Flash.open(), Flash.open()];
  const broker = await Broker.open(other.directory);
  const gateway = await stand.gateway('uplink', undefined, {
    'state.directory': JSON.stringify(`${flash.directory}/state`),
    'uplink.rate': '100',
  });
  try {
    await stand.start(gateway);
    await stand.calm();
    const off = memoryOf(gateway.pid);
    const sockets = await Promise.all(NAMES.map((name) => gateway.program(name)));
    const newleaf = new Load(gateway.pid, flash, sockets);
    const mosquitto = new Load(
      broker.pid,
      other,
      NAMES.map(() => broker.socket),
    );
    await pause(WARM_MS);
    for (const load of [newleaf, mosquitto]) load.begin();
    await pause((MINUTES * MINUTE_MS) / 2);
    const half = memoryOf(gateway.pid);
    await pause((MINUTES * MINUTE_MS) / 2);
    const on = memoryOf(gateway.pid);
    const [cost, floor] = [newleaf.cost(), mosquitto.cost()];
    await gateway.post('/v1/roll', { id: 'roll' });
    await pause(ROLL_MS);
    const during = newleaf.tookMs();
    await Promise.all([newleaf, mosquitto].map((load) => load.finish()));
    await gateway.stop();
    const against = (name: string, of: keyof Cost, unit: Reading['unit']): Reading => ({
      name,
      value: cost[of],
      floor: floor[of],
      unit,
    });
    const note = `${short(off.pss)} before; ${MINUTES} minutes`;
    return [
      { name: 'PSS gained by five programs', value: on.pss - off.pss, unit: 'MiB', note },
      { name: 'Pss_Anon gained by five programs', value: on.anon - off.anon, unit: 'MiB' },
      { name: 'Pss_Anon gained in the second half', value: on.anon - half.anon, unit: 'MiB' },
      { ...against('written to the device for a message', 'bytes', 'KB'), note: 'the floor is mosquitto' },
      against('flushes of the device for a message', 'flushes', ''),
      against('CPU for a message', 'cpuMs', 'ms'),
      against('PUBACK, p50', 'p50', 'ms'),
      { ...against('PUBACK, p99', 'p99', 'ms'), note: `of ${cost.count} messages, and ${floor.count} to mosquitto` },
      {
        name: 'PUBACK at a roll, p99',
        value: quantile(during, 0.99),
        unit: 'ms',
        note: `of ${during.length} messages`,
      },
      { name: 'connections of programs lost at a roll', value: newleaf.losses, unit: '' },
    ];
  } finally {
    await gateway.stop();
    await broker.close();
    for (const one of [flash, other]) one.close();
  }
}

/** What a message costs. */
interface Cost {
  /** KB that reach the device. */
  readonly bytes: number;
  readonly flushes: number;
  /** Of the process that takes it, in milliseconds; with its way to whom it is for. */
  readonly cpuMs: number;
  /** From PUBLISH to PUBACK, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

/** Five programs that send, and what that costs whom they send to. */
class Load {
  readonly #pid: number;
  readonly #flash: Flash;
  readonly #programs: readonly Counting[];
  #before: { readonly written: ReturnType<Flash['written']>; readonly cpuMs: number } | undefined;
  /** Of the messages of each program, those that were told before. */
  #told: readonly number[] = [];

  constructor(pid: number, flash: Flash, sockets: readonly string[]) {
    this.#pid = pid;
    this.#flash = flash;
    this.#programs = sockets.map((socket, index) => {
      return new Counting(NAMES[index] ?? '', socket, { everyMs: EVERY_MS, bodyBytes: BODY_BYTES });
    });
  }

  get losses(): number {
    return this.#programs.reduce((sum, program) => sum + program.losses, 0);
  }

  begin(): void {
    this.tookMs();
    this.#before = { written: this.#flash.written(), cpuMs: cpuMsOf(this.#pid) };
  }

  /** Of all since `begin`. */
  cost(): Cost {
    const took = this.tookMs();
    const count = took.length;
    const { written: before, cpuMs } = this.#before ?? { written: { bytes: 0, flushes: 0 }, cpuMs: 0 };
    const after = this.#flash.written();
    return {
      bytes: (after.bytes - before.bytes) / count / 1_000,
      flushes: (after.flushes - before.flushes) / count,
      cpuMs: (cpuMsOf(this.#pid) - cpuMs) / count,
      p50: quantile(took, 0.5),
      p99: quantile(took, 0.99),
      count,
    };
  }

  /** Milliseconds of each PUBACK since the last call. */
  tookMs(): readonly number[] {
    const took = this.#programs.flatMap(({ tookMs }, index) => tookMs.slice(this.#told[index]));
    this.#told = this.#programs.map(({ tookMs }) => tookMs.length);
    return took;
  }

  async finish(): Promise<void> {
    for (const program of this.#programs) await program.finish();
  }
}

const quantile = (values: readonly number[], part: number): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length * part)] ?? Number.NaN;
