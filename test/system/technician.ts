import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ended } from '../e2e/gateway.ts';
import type { Endpoints } from '../simulator/api.ts';
import type { Machine } from './machine.ts';

export const PIN = '4711';

/** Does what the README tells the technician, one step a method. */
export class Technician {
  readonly #machine: Machine;
  readonly #at: Endpoints;

  constructor(machine: Machine, at: Endpoints) {
    this.#machine = machine;
    this.#at = at;
  }

  /** @param deb path of the package, outside of the machine */
  async install(deb: string): Promise<string> {
    copyFileSync(deb, join(this.#machine.root, 'root/newleaf.deb'));
    return this.#machine.must('env', 'DEBIAN_FRONTEND=noninteractive', 'dpkg', '--install', '/root/newleaf.deb');
  }

  async makeToken(): Promise<void> {
    const token = ['--init-token', '--free', '--label', 'newleaf', '--pin', PIN, '--so-pin', '56785678'];
    await this.#machine.must('runuser', '-u', 'newleaf', '--', 'softhsm2-util', ...token);
  }

  writePin(pin = PIN): void {
    this.#machine.write('/etc/newleaf/pin', `${pin}\n`, 0o600);
  }

  /** @param settings lines by dotted key, as TOML; they replace what is there */
  configure(settings: Readonly<Record<string, string>> = {}): void {
    const { dps, idScope, est, estCaPem, estUsername, estPassword, trustPem } = this.#at;
    this.#machine.write('/etc/newleaf/est-ca.pem', estCaPem);
    this.#machine.write('/etc/newleaf/trust.pem', trustPem);
    this.#machine.write('/etc/newleaf/est-password', estPassword);
    const values = {
      'dps.endpoint': JSON.stringify(dps),
      'dps.id_scope': JSON.stringify(idScope),
      'dps.registration_id': '"gw-0001"',
      'hsm.module': '"/usr/lib/softhsm/libsofthsm2.so"',
      'hsm.token': '"newleaf"',
      'leaf.issuer': '"est"',
      'issuer.est.url': JSON.stringify(est),
      'issuer.est.ca_file': '"/etc/newleaf/est-ca.pem"',
      'issuer.est.username': JSON.stringify(estUsername),
      'issuer.est.password_file': '"/etc/newleaf/est-password"',
      'trust.ca_file': '"/etc/newleaf/trust.pem"',
      ...settings,
    };
    const lines = Object.entries(values).map(([key, value]) => `${key} = ${value}\n`);
    this.#machine.write('/etc/newleaf/newleaf.toml', lines.join(''));
  }

  init(): Promise<Ended> {
    return this.#machine.run('newleaf', 'init');
  }
}
