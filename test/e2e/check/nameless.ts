import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { withOwnMounts } from '../../namespace.ts';

/**
 * Mounts what lies in the directory over /etc/hosts and /etc/resolv.conf, in a mount namespace of the program's own. An
 * empty hosts file knows no localhost, and nobody answers for DNS on this address.
 */
const SCRIPT = `for name in hosts resolv.conf; do
  [ ! -e "$0/$name" ] || mount --bind "$0/$name" "/etc/$name"
done
exec "$@"`;

/** Names, as a program sees them that is started from now on. */
export class Names {
  readonly #directory = mkdtempSync(join(tmpdir(), 'newleaf-names-'));

  constructor(t: TestContext) {
    t.after(() => rmSync(this.#directory, { recursive: true }));
  }

  /** The command that runs another with these names. */
  get runner(): readonly string[] {
    return [...withOwnMounts(), 'sh', '-c', SCRIPT, this.#directory];
  }

  /** No name is known any more, but those given as lines of hosts(5). */
  forget(...hosts: readonly string[]): void {
    writeFileSync(join(this.#directory, 'hosts'), `${hosts.join('\n')}\n`);
    writeFileSync(join(this.#directory, 'resolv.conf'), 'nameserver 127.255.255.254\noptions timeout:1 attempts:1\n');
  }
}
