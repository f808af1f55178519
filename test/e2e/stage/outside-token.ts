import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { until } from '../../contract/modules/servers.ts';
import { softHsm, type TestToken } from '../../contract/token/softhsm.ts';

/** A SoftHSM token, asked by `pkcs11-tool`: what is in it does not depend on what newleaf believes. */
export class OutsideToken {
  readonly hsm: TestToken;

  /**
   * @param pin instead of the usual one
   * @param around puts another module around that of the token
   */
  constructor(pin?: string, around: (hsm: TestToken) => TestToken = (hsm) => hsm) {
    const hsm = softHsm('newleaf');
    this.hsm = hsm;
    if (pin !== undefined) {
      this.ask('--change-pin', '--new-pin', pin);
      this.hsm = { ...hsm, pin };
    }
    this.hsm = around(this.hsm);
  }

  /**
   * Labels of the private keys. SoftHSM 2.6.1 leaves an object without any label where C_GenerateKeyPair is cut off;
   * nobody can tell whose it is.
   */
  privateKeys(): readonly string[] {
    const listed = this.ask('--list-objects', '--type', 'privkey').toString();
    return [...listed.matchAll(/^ {2}label: +(\S.*)$/gm)].map(([, label = '']) => label).sort();
  }

  /**
   * Waits until this is the certificate that is stored beside a key: that is the last thing of a roll. Looked at without a login:
   * SoftHSM 2.6.1 empties token.object for a moment at each, and a job that opens the token then meets CKR_GENERAL_ERROR.
   */
  stores(label: string, thumbprint: string): Promise<void> {
    return until(`${thumbprint} is stored in ${label}`, () => {
      try {
        const der = this.#run('--token-label', this.hsm.token, '--read-object', '--type', 'cert', '--label', label);
        return createHash('sha256').update(der).digest('hex').toUpperCase() === thumbprint;
      } catch {
        return false;
      }
    });
  }

  /** What the token says of its PIN; asked without a login, which would count. */
  flags(): string {
    return /token flags\s*: (.*)/.exec(this.#run('--list-slots').toString())?.[1] ?? '';
  }

  /** Makes another token with the same label, in the same module. */
  another(): void {
    const { token, pin, environment } = this.hsm;
    const args = ['--init-token', '--free', '--label', token, '--pin', pin, '--so-pin', '56785678'];
    execFileSync('softhsm2-util', args, { env: { ...process.env, ...environment }, stdio: 'pipe' });
  }

  serial(): string {
    return /serial num\s*: (\S+)/.exec(this.#run('--list-slots').toString())?.[1] ?? '';
  }

  /** Runs pkcs11-tool with a login, and returns what it prints. */
  ask(...args: readonly string[]): Buffer {
    const { token, pin } = this.hsm;
    return this.#run('--token-label', token, '--login', '--pin', pin, ...args);
  }

  #run(...args: readonly string[]): Buffer {
    const { module, environment } = this.hsm;
    const env = { ...process.env, ...environment };
    return execFileSync('pkcs11-tool', ['--module', module, ...args], { env, stdio: 'pipe' });
  }
}
