import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Packet, parser } from 'mqtt-packet';
import type { Mask } from './mask.ts';

/** A line of tap.cjs. */
interface Noted {
  readonly at: number;
  readonly connection: number;
  readonly to: string;
  readonly way: 'opened' | 'secure' | 'out' | 'in' | 'failed' | 'closed';
  /** Base64, of `out` and `in`; else words. */
  readonly data?: string;
  readonly argv?: readonly string[];
}

/** One thing that went over a connection: an MQTT packet, a part of an HTTP message, or what became of the connection. */
export interface Spoken {
  readonly at: string;
  /** Who spoke: `newleaf run`, `enroll forget gw-1`, `az`, a probe. */
  readonly who: string;
  readonly connection: string;
  readonly to: string;
  readonly way: Noted['way'];
  readonly packet?: object;
  readonly text?: string;
}

const CONNECT = 0x10;

/** Everything that was tapped, without what went to the CA on this machine, in the order in which it came. */
export function readTape(directory: string, isOf: (to: string) => boolean): readonly Spoken[] {
  return readdirSync(directory)
    .flatMap((pid) => {
      const noted: readonly Noted[] = readFileSync(join(directory, pid), 'utf8')
        .split('\n')
        // A process that was killed leaves half a line.
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line));
      return [...new Set(noted.map(({ connection }) => connection))].flatMap((connection) => {
        const lines = noted.filter((line) => line.connection === connection);
        return isOf(lines[0]?.to ?? '') ? connectionOf(`${pid}-${connection}`, lines) : [];
      });
    })
    .toSorted((one, other) => one.at.localeCompare(other.at));
}

function connectionOf(connection: string, lines: readonly Noted[]): readonly Spoken[] {
  const who = whoIs(lines.find(({ argv }) => argv !== undefined)?.argv ?? []);
  const first = lines.find(({ way }) => way === 'out');
  const isMqtt = Buffer.from(first?.data ?? '', 'base64')[0] === CONNECT;
  const spoken = (line: Noted, what: Pick<Spoken, 'packet' | 'text'>): Spoken => ({
    at: new Date(line.at).toISOString(),
    who,
    connection,
    to: line.to,
    way: line.way,
    ...what,
  });
  const packets = { out: packetsOf(), in: packetsOf() };
  return lines.flatMap((line) => {
    if (line.way !== 'out' && line.way !== 'in') return [spoken(line, line.data ? { text: line.data } : {})];
    const bytes = Buffer.from(line.data ?? '', 'base64');
    return isMqtt
      ? packets[line.way](bytes).map((packet) => spoken(line, { packet }))
      : [spoken(line, { text: bytes.toString() })];
  });
}

/** Takes bytes, and gives the packets that are complete. */
function packetsOf(): (bytes: Buffer) => readonly object[] {
  const parsing = parser({ protocolVersion: 4 });
  let found: object[] = [];
  parsing.on('packet', (packet) => found.push(readable(packet)));
  parsing.on('error', ({ message }) => found.push({ unreadable: message }));
  return (bytes) => {
    found = [];
    parsing.parse(bytes);
    return found;
  };
}

function readable({ length: _, ...packet }: Packet): object {
  return 'payload' in packet ? { ...packet, payload: String(packet.payload) } : packet;
}

function whoIs([program = '', ...argv]: readonly string[]): string {
  const name = basename(program).replace(/\.\w+$/, '');
  return name === 'azure' ? 'probe' : [name, ...argv].join(' ');
}

/** The record, one line of JSON for each. */
export const linesOf = (tape: readonly Spoken[], mask: Mask): string =>
  tape.map((spoken) => `${mask.over(JSON.stringify(spoken))}\n`).join('');
