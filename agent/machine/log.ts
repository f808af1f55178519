import { pino } from 'pino';
import type { Code } from '../failure/failure.ts';
import type { Slot } from '../roll/leaf.ts';
import { namingIn } from './naming.ts';
import { type Outlet, outlet } from './outlet.ts';

export type Level = 'error' | 'warn' | 'info' | 'debug';

/** `message`: the event for a person. `phase`, `action`, `reason`: words of agent/roll/state.ts. */
const WORDS = ['message', 'advice', 'cause', 'phase', 'from', 'to', 'action', 'reason'] as const;
/** `id`: of the request, the same in method, command and twin. `at`: ISO 8601. `memory`: what the journal holds, as JSON. */
const NAMES = ['id', 'thumbprint', 'hub', 'path', 'version', 'at', 'memory'] as const;
const TIMES = ['retryInMs', 'tookMs'] as const;

/** No other fields are printed, so neither a PIN nor a password nor a key can be. */
const FIELDS: ReadonlySet<string> = new Set(['event', 'code', 'slot', ...WORDS, ...NAMES, ...TIMES]);

type Optional<K extends string, T> = { readonly [Field in K]?: T | undefined };

export interface Line
  extends Optional<(typeof WORDS)[number] | (typeof NAMES)[number], string>,
    Optional<(typeof TIMES)[number], number> {
  /** Constant, in kebab-case: dashboards and alarms look for it. */
  readonly event: string;
  readonly code?: Code | undefined;
  readonly slot?: Slot | undefined;
}

export type Log = Readonly<Record<Level, (line: Line) => void>>;

interface LogOptions {
  readonly level: Level;
  /** JOURNAL_STREAM is set where stdout goes to the journal (systemd.exec(5)). */
  readonly env: NodeJS.ProcessEnv;
  /** Stdout by default. */
  readonly sink?: Outlet;
}

/** sd-daemon(3): "<N>" at the head of a line is its priority for the journal, N as in syslog(3). */
const PRIORITY: Readonly<Record<number, string>> = { 20: '<7>', 30: '<6>', 40: '<4>', 50: '<3>' };

/**
 * One JSON line an event. Written before the call returns, so nothing is lost where the process ends at once; what is not taken
 * is counted, and told before the next line that is.
 */
export function createLog({ level, env, sink = outlet(process.stdout.fd) }: LogOptions): Log {
  const journal = env.JOURNAL_STREAM !== undefined;
  const told = namingIn(env);
  const at = (priority: number, line: string) => (journal ? `${PRIORITY[priority] ?? ''}${line}` : line);
  let dropped = 0;
  const stream = {
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write(line: string) {
      const before = dropped === 0 ? '' : at(40, lineOfDropped(dropped));
      dropped = sink.write(before + at(this.lastLevel, line)) === false ? dropped + 1 : 0;
    },
  };
  const logger = pino(
    {
      level,
      // The journal knows host and pid.
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  const logs = (of: Level) => (line: Line) => logger[of](known(line, told));
  return { error: logs('error'), warn: logs('warn'), info: logs('info'), debug: logs('debug') };
}

function lineOfDropped(count: number): string {
  const message = `${count} ${count === 1 ? 'line' : 'lines'} of the log were lost: nothing took them.`;
  const line = { level: 'warn', time: new Date().toISOString(), event: 'log-dropped', message };
  return `${JSON.stringify(line)}\n`;
}

/** An object from elsewhere may have more fields than its type, so only listed fields are copied. */
function known(line: Line, told: (advice: string) => string): object {
  const fields = Object.entries(line).filter(([field]) => FIELDS.has(field));
  return Object.fromEntries(fields.map(([field, value]) => [field, field === 'advice' && value ? told(value) : value]));
}

/** Logs a message that newleaf ignores: its topic may be 64 KiB. */
export const droppingTo =
  (log: Log) =>
  (topic: string): void =>
    log.debug({ event: 'message-dropped', message: `No message for newleaf: ${topic.slice(0, 200)}` });
