import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Status } from '../../../agent/roll/report.ts';
import { Gateway } from '../../e2e/stage/gateway.ts';
import { PATIENCE_MS } from '../../e2e/stage/site.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { Open, Way } from './way.ts';
import type { Wish } from './wish.ts';

/** A gateway that gets its leaves in one way, and its far side. */
export class Stage {
  readonly far: Simulator;
  readonly gateway: Gateway;
  readonly way: Way;

  private constructor(far: Simulator, gateway: Gateway, way: Way) {
    this.far = far;
    this.gateway = gateway;
    this.way = way;
  }

  /** The program runs, and may have no leaf yet. Everything goes away with the test. */
  static async open(t: TestContext, open: Open): Promise<Stage> {
    const far = await startSimulator();
    await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
    const { settings, way, close } = await open(far);
    const gateway = new Gateway(far.endpoints, { settings });
    t.after(async () => {
      await gateway.remove();
      await close?.();
      await far.close();
    });
    const stage = new Stage(far, gateway, way(gateway));
    await gateway.start();
    return stage;
  }

  /** Does what leads to a leaf, and waits until the hub, the gateway and the token agree on it. */
  async rolled(bring: () => Promise<void>): Promise<Status> {
    const since = this.far.log.entries.length;
    await bring();
    const { thumbprint = '' } = await this.far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    const status = await this.gateway.settled();
    const { slot } = status.leaf ?? {};
    assert.equal(status.leaf?.thumbprint, thumbprint);
    assert.deepEqual(this.gateway.token.privateKeys(), [`newleaf-${slot}`], 'no other key is left');
    await this.gateway.token.stores(`newleaf-${slot}`, thumbprint);
    return status;
  }

  first(): Promise<Status> {
    return this.rolled(() => this.way.first());
  }

  rolledTo(wish: Wish): Promise<Status> {
    return this.rolled(() => this.way.bring(wish));
  }

  /** The leaf that others may read. */
  leaf(): X509Certificate {
    return new X509Certificate(readFileSync(join(this.gateway.stateDirectory, 'leaf.pem')));
  }

  /** How many sessions the hub has seen end. */
  closings(): number {
    return this.far.log.count({ event: 'disconnected', server: 'hub1' });
  }
}
