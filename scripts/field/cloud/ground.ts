import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { Official } from '../../../test/clients/official.ts';
import { rootOf } from '../../../test/e2e/roll/enrolled-ca.ts';
import { Operator } from '../../../test/e2e/roll/operator.ts';
import { Gateway, type GatewayOptions } from '../../../test/e2e/stage/gateway.ts';
import type { Endpoints } from '../../../test/simulator/api.ts';
import { type Simulator, startSimulator } from '../../../test/simulator/simulator.ts';
import type { Services } from './resources.ts';

export type Level = 'root' | 'intermediate';

/** What a question or a story needs: a CA on this machine, gateways with tokens of their own, and an operator. */
export class Ground {
  /** Of the simulator only the CA and its EST server are used. */
  readonly ca: Simulator;
  /** The EST server on this machine, and the services that are tried. */
  readonly endpoints: Endpoints;
  readonly operator: Operator;
  readonly official: Official;
  readonly services: Services;
  readonly #upload: (file: string) => Promise<void>;
  readonly #leaves: AbortController;
  readonly #gateways = new Set<Gateway>();
  readonly #directory = mkdtempSync(join(tmpdir(), 'newleaf-field-'));
  #issuerPem: string;

  private constructor(
    parts: Pick<Ground, 'ca' | 'endpoints' | 'official' | 'services'>,
    upload: (file: string) => Promise<void>,
  ) {
    this.#leaves = new AbortController();
    this.ca = parts.ca;
    this.endpoints = parts.endpoints;
    this.official = parts.official;
    this.services = parts.services;
    this.operator = new Operator(parts.endpoints, this.#leaves.signal);
    this.#upload = upload;
    this.#issuerPem = parts.endpoints.issuerPem;
  }

  /** @param upload uploads the root in a file to DPS, as verified */
  static async open(services: Services, upload: (file: string) => Promise<void>): Promise<Ground> {
    const ca = await startSimulator();
    const { NODE_EXTRA_CA_CERTS: more } = process.env;
    const trustPem = [...rootCertificates, ...(more ? [readFileSync(more, 'utf8')] : [])].join('\n');
    const { idScope, dps, hubHost, dpsService, hubService } = services;
    const hubs = { hub1: hubHost, hub2: hubHost, hub1Service: hubService, hub2Service: hubService };
    const endpoints = { ...ca.endpoints, ...hubs, idScope, dps, dpsService, trustPem };
    const official = await Official.start(trustPem);
    return new Ground({ ca, endpoints, official, services }, upload);
  }

  /** Of the CA that issues now. */
  async pem(level: Level): Promise<string> {
    return level === 'intermediate' ? this.#issuerPem : rootOf({ far: this.ca }, new X509Certificate(this.#issuerPem));
  }

  /** Another CA, or another intermediate, issues from now on; a root is verified in DPS. */
  async roll(level: Level): Promise<void> {
    this.#issuerPem = await this.ca.rollIssuer(level);
    if (level === 'root') await this.verify(await this.pem('root'));
  }

  /** Has DPS take a root for verified. */
  async verify(rootPem: string): Promise<void> {
    const file = join(this.#directory, 'root.pem');
    writeFileSync(file, rootPem);
    await this.#upload(file);
  }

  /** @throws Error once the ground is being cleared */
  gateway(registrationId: string, options: GatewayOptions = {}): Gateway {
    this.#leaves.signal.throwIfAborted();
    const gateway = new Gateway(this.endpoints, { registrationId, ...options });
    this.#gateways.add(gateway);
    return gateway;
  }

  /** Takes a device out of everything, so that nothing of it is in the way of the next one. */
  async leave(id: string): Promise<void> {
    const ofIt = [...this.#gateways].filter(({ registrationId }) => registrationId === id);
    await Promise.all(ofIt.map((gateway) => this.dismiss(gateway)));
    // A device has one of these enrollments, and a story that failed may have made none.
    for (const line of [`enroll delete individual ${id}`, `enroll delete group ${id}-group`, `enroll forget ${id}`]) {
      await this.operator.types(line).catch(() => undefined);
    }
  }

  async dismiss(gateway: Gateway): Promise<void> {
    this.#gateways.delete(gateway);
    await gateway.remove();
  }

  /** Ends every process that was begun here, and removes its files. */
  async clear(): Promise<void> {
    this.#leaves.abort();
    await Promise.all([...this.#gateways].map((gateway) => this.dismiss(gateway)));
    await Promise.all([this.official.stop(), this.ca.close()]);
    this.operator.remove();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
