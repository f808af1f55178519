import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import type { Volumes } from './container.ts';

/** The user of the image. */
export const USER = 990;

/** A far side, and the directories of a gateway that is to be set up. */
export interface Site {
  readonly far: Simulator;
  readonly volumes: Volumes;
  /** Behind `newleaf init`. */
  readonly flags: readonly string[];
}

/** Directories that go with the test file, and not sooner: what follows a test ends its containers, which write there. */
export const scratch: string[] = [];
process.once('exit', () => {
  for (const directory of scratch) rmSync(directory, { recursive: true, force: true });
});

export async function site(t: TestContext): Promise<Site> {
  const far = await startSimulator();
  t.after(() => far.close());
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-container-'));
  scratch.push(directory);
  const volumes = { configuration: join(directory, 'etc'), state: join(directory, 'state') };
  for (const path of Object.values(volumes)) mkdirSync(path);
  const { endpoints: at } = far;
  const given: Record<string, string> = {
    'est-ca.pem': at.estCaPem,
    'trust.pem': at.trustPem,
    'est-password': at.estPassword,
  };
  for (const [name, text] of Object.entries(given))
    writeFileSync(join(volumes.configuration, name), text, { mode: name === 'est-password' ? 0o600 : 0o644 });
  execFileSync('chown', ['-R', `${USER}:${USER}`, directory]);
  const answers = {
    'id-scope': at.idScope,
    'registration-id': 'gw-0001',
    endpoint: at.dps,
    'trust-ca': '/etc/newleaf/trust.pem',
    issuer: 'est',
    'est-url': at.est,
    'est-ca': '/etc/newleaf/est-ca.pem',
    'est-user': at.estUsername,
    'est-password-file': '/etc/newleaf/est-password',
    'new-token': 'softhsm',
  };
  const flags = ['--yes', ...Object.entries(answers).flatMap(([name, value]) => [`--${name}`, value])];
  return { far, volumes, flags };
}
