import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

/** What systemd says of the unit, under its own names (org.freedesktop.systemd1(5)); '' for what it does not say. */
export type ShownUnit = Readonly<Record<(typeof PROPERTIES)[number], string>>;

const UNIT = 'newleaf.service';
const PROPERTIES = [
  'LoadState',
  'ActiveState',
  'UnitFileState',
  'WatchdogUSec',
  'NRestarts',
  'Result',
  'ExecMainStatus',
] as const;
const WAIT_MS = 5_000;

/** sd_booted(3): "the directory /run/systemd/system/ exists". */
const BOOTED = '/run/systemd/system';

/** The unit of the daemon; undefined where systemd is not what runs this machine, or does not answer. */
export async function shownUnit(booted = BOOTED): Promise<ShownUnit | undefined> {
  if (!existsSync(booted)) return undefined;
  try {
    const args = ['show', UNIT, `--property=${PROPERTIES.join(',')}`];
    const { stdout } = await promisify(execFile)('systemctl', args, { timeout: WAIT_MS });
    return unitIn(stdout);
  } catch {
    return undefined;
  }
}

/** What `systemctl show` prints: one `Name=value` a line. */
export function unitIn(shown: string): ShownUnit {
  const said = (name: string) => shown.match(new RegExp(`^${name}=(.*)$`, 'm'))?.[1] ?? '';
  return Object.fromEntries(PROPERTIES.map((name) => [name, said(name)])) as ShownUnit;
}
