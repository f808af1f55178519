import type { TestContext } from 'node:test';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { Switches } from '../../simulator/switches.ts';
import { environment, Machine } from './machine.ts';
import { Person } from './person.ts';

/** Other modules than SoftHSM: which of them the machine of the test has must not matter. */
const OTHERS =
  '/usr/lib/*/pkcs11 /usr/share/p11-kit/modules /etc/pkcs11/modules /usr/lib/*/libykcs11* /usr/lib/*/libckteec*';

export type Answer = readonly [question: string | RegExp, answer: string];

/** A far side, and a machine with SoftHSM as its only module, as it is after the package was installed. */
export class Stage {
  readonly far: Simulator;
  readonly machine: Machine;

  private constructor(far: Simulator, machine: Machine) {
    this.far = far;
    this.machine = machine;
  }

  /** @param switches of the far side */
  static async open(switches: Partial<Switches> = {}): Promise<Stage> {
    const far = await startSimulator({ switches });
    const machine = await Machine.start();
    machine.sh(`rm -rf ${OTHERS}`);
    const stage = new Stage(far, machine);
    await stage.reset();
    return stage;
  }

  /** As if newleaf had never run; the issuing CA is enrolled. */
  async reset(): Promise<void> {
    const { machine, far } = this;
    machine.sh('rm -rf /etc/newleaf/* /var/lib/newleaf* /run/newleaf /var/lib/softhsm/tokens/*');
    machine.write('/etc/newleaf/trust.pem', far.endpoints.trustPem);
    machine.write('/etc/newleaf/est-ca.pem', far.endpoints.estCaPem);
    machine.write('/etc/newleaf/given-password', far.endpoints.estPassword, 0o600);
    machine.sh('chown newleaf /etc/newleaf/given-password');
    await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  }

  async close(): Promise<void> {
    await this.machine.stop();
    await this.far.close();
  }

  /** Somebody who has called `sudo newleaf init`. */
  person(t: Pick<TestContext, 'after'>, ...options: readonly string[]): Person {
    const variables = { ...environment(), TERM: 'xterm', LANG: 'C.UTF-8' };
    return new Person(t, this.machine.argv(['newleaf', 'init', ...options]), variables);
  }

  /** Every question with its answer, where nothing goes wrong; the last one begins the provisioning. */
  get answers(): readonly Answer[] {
    const { endpoints: at } = this.far;
    return [
      ['ID scope', at.idScope],
      ['Registration ID', 'gw-0001'],
      ['DPS endpoint', at.dps],
      ['Name another file', ''],
      ['File with the CAs of DPS', '/etc/newleaf/trust.pem'],
      ['Which one', '1'],
      ['URL of the EST server', at.est],
      ['File with the CA of its', '/etc/newleaf/est-ca.pem'],
      ['Which one', '1'],
      ['User name', at.estUsername],
      ['Password', at.estPassword],
      ['Renew a leaf at', ''],
      ['Which one', '1'],
      ['Name of the new token', ''],
      ['PIN for it', ''],
    ];
  }

  /** The same as options, without the token. */
  get flags(): readonly string[] {
    const { endpoints: at } = this.far;
    return [
      ['--id-scope', at.idScope],
      ['--registration-id', 'gw-0001'],
      ['--endpoint', at.dps],
      ['--trust-ca', '/etc/newleaf/trust.pem'],
      ['--issuer', 'est'],
      ['--est-url', at.est],
      ['--est-ca', '/etc/newleaf/est-ca.pem'],
      ['--est-user', at.estUsername],
      ['--est-password-file', '/etc/newleaf/given-password'],
    ].flat();
  }

  /** Files that root owns among those that the daemon must write. */
  rootsOwn(): string {
    return this.machine.sh('find /var/lib/newleaf /run/newleaf /var/lib/softhsm/tokens -mindepth 1 -user root');
  }
}
