import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Io } from '../../../agent/cli/kit/command.ts';
import { type ParsedArguments, parse } from '../../../agent/cli/kit/parse.ts';
import type { Output } from '../../../agent/cli/kit/screen.ts';
import { NEWLEAF } from '../../../agent/cli/table.ts';
import type { LeafStatus, OutcomeStatus, Status } from '../../../agent/roll/report.ts';
import '../../zone.ts';

export const NOW = Date.parse('2026-11-25T13:49:53.000Z');

/** Collects what is written, and tells whoever waits for it. */
export class Paper implements Output {
  text = '';
  readonly isTTY: boolean;
  columns = 80;
  rows = 24;
  readonly #resized = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
    for (const look of this.#waiting) look();
  }

  on(_: 'resize', listener: () => void): void {
    this.#resized.add(listener);
  }

  resize(columns: number, rows: number): void {
    Object.assign(this, { columns, rows });
    for (const listener of this.#resized) listener();
  }

  /** Resolves as soon as the words have been written, after the first `since` characters. */
  shows(words: string | RegExp, since = 0): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        const text = this.text.slice(since);
        if (typeof words === 'string' ? !text.includes(words) : !words.test(text)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

export interface Stage extends Io {
  readonly out: Paper;
  readonly err: Paper;
}

export function stage(env: NodeJS.ProcessEnv = { LANG: 'C.UTF-8' }, isTTY = false): Stage {
  return { out: new Paper(isTTY), err: new Paper(), env, now: () => NOW };
}

/** The arguments of a command line that is right. */
export function args(...argv: string[]): ParsedArguments {
  const parsed = parse(NEWLEAF, argv);
  if ('exit' in parsed) throw new Error(parsed.text);
  return parsed;
}

/** A configuration for this directory; its socket is where the daemon of test/unit/control/daemon.ts listens. */
export function configIn(directory: string, more = ''): string {
  const file = join(directory, 'newleaf.toml');
  writeFileSync(
    file,
    `[dps]
id_scope = "0ne00000000"
registration_id = "gw-0001"
[hsm]
module = "/usr/lib/softhsm/libsofthsm2.so"
token = "newleaf"
pin_file = "${directory}/pin"
[leaf]
issuer = "inbox"
[state]
directory = "${directory}/state"
[control]
socket = "${directory}/run/control.sock"
${more}`,
  );
  return file;
}

export const THUMBPRINT = '0123456789ABCDEF'.repeat(4);

export const leaf: LeafStatus & { readonly renewAt?: string } = {
  cn: 'gw-0001',
  thumbprint: THUMBPRINT,
  issuer: 'Contoso Device CA 2',
  serial: '01AF',
  notBefore: '2026-10-01T00:00:00.000Z',
  notAfter: '2027-01-01T00:00:00.000Z',
  slot: 'b',
  renewAt: '2026-11-28T03:12:00.000Z',
};

/** A gateway that is well; the change is what the test is about. */
export function statusWith(change: Partial<Status> = {}): Status {
  return {
    schema: 1,
    version: '0.1.0',
    at: new Date(NOW).toISOString(),
    registrationId: 'gw-0001',
    attestation: 'x509',
    phase: 'serving',
    words: 'serving with the current leaf',
    online: true,
    hub: { host: 'hub-1.azure-devices.net', deviceId: 'gw-0001' },
    leaf,
    outcomes: [],
    trail: [],
    clock: { credible: true, floor: '2026-11-20T00:00:00.000Z' },
    person: false,
    wrong: change.trouble === undefined ? [] : [change.trouble],
    ...change,
  };
}

/** A request that began 4.3 s ago, and has ended now. */
export function ended(change: Partial<OutcomeStatus> = {}): OutcomeStatus {
  return {
    id: 'r1',
    action: 'roll',
    reason: 'asked',
    from: 'technician',
    at: new Date(NOW - 4_300).toISOString(),
    outcome: 'done',
    endedAt: new Date(NOW).toISOString(),
    ...change,
  };
}
