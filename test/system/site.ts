import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { build, NATIVE } from '../package/installed.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import { Machine } from './machine.ts';
import { Technician } from './technician.ts';

export interface Site {
  readonly far: Simulator;
  readonly machine: Machine;
  readonly technician: Technician;
}

/** With a Node of its own, or with that of Debian. */
type Form = 'deb' | 'deb-nodejs';

export const debOf = (form: Form = 'deb'): string => build(form, NATIVE);

/** The same program as a later version. */
export function later(t: TestContext, deb: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-later-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const [tree, made] = [join(directory, 'tree'), join(directory, 'later.deb')];
  execFileSync('dpkg-deb', ['--raw-extract', deb, tree]);
  const control = join(tree, 'DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, '$&.later'));
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zzstd', '-z1', '--build', tree, made]);
  return made;
}

/** A far side whose group enrolls every leaf of the CA, and a machine that runs, with nothing of newleaf on it. */
export async function site(t: TestContext): Promise<Site> {
  const far = await startSimulator();
  t.after(() => far.close());
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const machine = new Machine(t);
  await machine.boot();
  return { far, machine, technician: new Technician(machine, far.endpoints) };
}

/**
 * The same with newleaf as the README has it installed, and a leaf. The daemon does not run.
 * @param plugIn puts a token into the machine, and returns the options of `newleaf init` for it
 */
export async function provisioned(
  t: TestContext,
  plugIn?: (machine: Machine) => Promise<readonly string[]>,
  form?: Form,
): Promise<Site> {
  const made = await site(t);
  const { machine, technician } = made;
  await technician.install(debOf(form));
  const { code, out, err } = await technician.init(await plugIn?.(machine));
  if (code !== 0) throw new Error(`newleaf init ended with ${code}:\n${out}${err}`);
  return made;
}
