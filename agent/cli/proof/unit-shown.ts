import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { propertyIn, showing } from '../../machine/unit.ts';

/** The unit's properties under the names of systemd (org.freedesktop.systemd1(5)); '' for what it does not say. */
export type ShownUnit = Readonly<Record<(typeof PROPERTIES)[number], string>>;

const PROPERTIES = [
  'Id',
  'LoadState',
  'ActiveState',
  'UnitFileState',
  'WatchdogUSec',
  'NRestarts',
  'Result',
  'ExecMainStatus',
  'ExecMainExitTimestamp',
  'ExecCondition',
] as const;
const WAIT_MS = 5_000;

/** sd_booted(3): "the directory /run/systemd/system/ exists". */
const BOOTED = '/run/systemd/system';

/** The unit of the daemon; undefined where systemd is not what runs this machine, or does not answer. */
export async function shownUnit(unit: string, booted = BOOTED): Promise<ShownUnit | undefined> {
  if (!existsSync(booted)) return undefined;
  try {
    const { stdout } = await promisify(execFile)('systemctl', showing(unit, PROPERTIES), { timeout: WAIT_MS });
    return unitShownIn(stdout);
  } catch {
    return undefined;
  }
}

export const unitShownIn = (shown: string): ShownUnit =>
  Object.fromEntries(PROPERTIES.map((name) => [name, propertyIn(shown, name)])) as ShownUnit;
