import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ended } from '../e2e/stage/gateway.ts';
import type { Endpoints } from '../simulator/api.ts';
import type { Machine } from './machine.ts';

const CONFIGURATION = '/etc/newleaf/newleaf.toml';
const PIN = '/etc/newleaf/pin';

/** Does what the README tells the technician. */
export class Technician {
  readonly #machine: Machine;
  readonly #at: Endpoints;

  constructor(machine: Machine, at: Endpoints) {
    this.#machine = machine;
    this.#at = at;
  }

  /** @param deb path of the package, outside of the machine @returns what dpkg prints */
  async install(deb: string): Promise<string> {
    copyFileSync(deb, join(this.#machine.root, 'root/newleaf.deb'));
    return this.#machine.must('env', 'DEBIAN_FRONTEND=noninteractive', 'dpkg', '--install', '/root/newleaf.deb');
  }

  /**
   * The command of `agent/cli/init/README.md` for a script, with the places of the far side.
   * @param token options that say which token it is
   */
  async init(token: readonly string[] = ['--new-token', 'softhsm']): Promise<Ended> {
    const { dps, idScope, est, estCaPem, estUsername, estPassword, trustPem } = this.#at;
    const machine = this.#machine;
    machine.write('/etc/newleaf/trust.pem', trustPem);
    machine.write('/etc/newleaf/est-ca.pem', estCaPem);
    machine.write('/etc/newleaf/est-password', estPassword, 0o640);
    await machine.must('chgrp', 'newleaf', '/etc/newleaf/est-password');
    const where = ['--endpoint', dps, '--trust-ca', '/etc/newleaf/trust.pem', '--id-scope', idScope];
    const issuer = ['--issuer', 'est', '--est-url', est, '--est-ca', '/etc/newleaf/est-ca.pem'];
    const entry = ['--est-user', estUsername, '--est-password-file', '/etc/newleaf/est-password'];
    const who = ['--registration-id', 'gw-0001', ...token];
    return machine.run('newleaf', 'init', '--yes', ...where, ...who, ...issuer, ...entry);
  }

  /** Writes a value (TOML) in the place of the one that is there. @returns what puts it back */
  set(key: string, value: string): () => void {
    const before = readFileSync(join(this.#machine.root, CONFIGURATION), 'utf8');
    const line = new RegExp(`^(${key}\\s*=\\s*).*$`, 'm');
    if (!line.test(before)) throw new Error(`there is no ${key} in the configuration:\n${before}`);
    this.#machine.write(CONFIGURATION, before.replace(line, `$1${value}`));
    return () => this.#machine.write(CONFIGURATION, before);
  }

  get pin(): string {
    return readFileSync(join(this.#machine.root, PIN), 'utf8');
  }

  set pin(pin: string) {
    this.#machine.write(PIN, pin, 0o600);
  }
}
