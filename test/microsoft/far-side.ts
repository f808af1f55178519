import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { Names } from '../e2e/check/nameless.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import { HOST } from './values.ts';

export const DPS = 'global.azure-devices-provisioning.net';
const [AT_DPS, AT_HUB] = ['127.80.0.4', '127.80.0.5'];
const PATIENCE_MS = 240_000;

/** Where `values.ts` has written, and the samples were built. */
const samples = process.env.NEWLEAF_TEST_SAMPLES ?? '';

/** libcurl of Debian reads this file, whatever the environment says. */
const TRUSTING = 'mount --bind "$SSL_CERT_FILE" /etc/ssl/certs/ca-certificates.crt && exec "$@"';

/** The CA of the identities that the samples were told. */
export const samplesCa = (): string => readFileSync(join(samples, 'ca.pem'), 'utf8');

/** A far side under the names that the samples know, and what runs one of them to its end. */
export async function farSide(t: TestContext) {
  const names = new Names(t);
  names.forget('127.0.0.1 localhost', `${AT_DPS} ${DPS}`, `${AT_HUB} ${HOST}`);
  const far = await startSimulator({
    places: { dps: { name: DPS, address: AT_DPS }, hub1: { name: HOST, address: AT_HUB } },
  });
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-samples-'));
  t.after(async () => {
    await far.close();
    rmSync(directory, { recursive: true });
  });
  const trust = join(directory, 'trust.pem');
  writeFileSync(trust, far.endpoints.trustPem);
  await far.createPolicy('monthly');
  const run = async (
    file: string,
    told: NodeJS.ProcessEnv = {},
  ): Promise<{ readonly code: number | null; readonly out: string }> => {
    const built = join(samples, file);
    assert.ok(existsSync(built), `NEWLEAF_TEST_SAMPLES has no ${file}: see test/simulator/README.md`);
    const [program = '', ...args] = [...names.runner, 'sh', '-c', TRUSTING, 'sh', built];
    const child = spawn(program, args, {
      env: { SSL_CERT_FILE: trust, PATH: process.env.PATH, ...told },
      timeout: PATIENCE_MS,
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [out, code] = await Promise.all([text(child.stdout), ended]);
    return { code, out };
  };
  return { far, run, directory, trust };
}

/** Devices whose leaf the hub took, with the number of certificates that they sent. */
export const connects = (far: Simulator, clientId: string) =>
  far.log.matching({ server: 'hub1', event: 'connected', clientId }).map(({ connection = 0, thumbprint }) => ({
    thumbprint,
    chain: far.log.matching({ event: 'tls', connection })[0]?.chain,
  }));
