import { writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import type { Entry, LogEvent } from '../../simulator/log.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { Fleet } from './fleet.ts';

/** What a gateway tells in its twin. */
export interface Newleaf {
  readonly phase?: string;
  readonly leaf?: { readonly thumbprint: string };
  readonly next?: { readonly thumbprint: string };
  readonly last?: { readonly id: string; readonly outcome: string; readonly code?: string };
}

/** The far side, a fleet of it that has not been started, and the environment of its operator. */
export class Park {
  readonly far: Simulator;
  readonly fleet: Fleet;
  readonly env: NodeJS.ProcessEnv;

  private constructor(far: Simulator, fleet: Fleet) {
    const { dpsService, hub1Service, trustPem } = far.endpoints;
    this.far = far;
    this.fleet = fleet;
    const trust = fleet.path('operator-trust.pem');
    writeFileSync(trust, trustPem);
    this.env = {
      ...process.env,
      NODE_EXTRA_CA_CERTS: trust,
      NEWLEAF_DPS_CONNECTION: dpsService,
      NEWLEAF_HUB_CONNECTION: hub1Service,
      XDG_STATE_HOME: fleet.path('operator-state'),
    };
  }

  /** Both go away with the test. */
  static async open(t: TestContext, names: readonly string[], tags: object): Promise<Park> {
    const far = await startSimulator();
    let fleet: Fleet | undefined;
    t.after(async () => {
      await fleet?.close();
      await far.close();
    });
    await far.enrollGroup({ groupId: 'trucks', primary: far.endpoints.issuerPem, initialTags: tags });
    fleet = await Fleet.open(far.endpoints, names);
    return new Park(far, fleet);
  }

  /** What the far side has seen of one kind, after so many entries of its log. */
  since(mark: number, event: LogEvent): readonly Entry[] {
    return this.far.log.since(mark).filter((entry) => entry.event === event);
  }

  /** What the twin of this gateway tells. */
  twin(name: string): Newleaf {
    const { hub1 } = this.far.registries;
    if (hub1.find(name) === undefined) return {};
    return (hub1.twin(name).reported as { readonly newleaf?: Newleaf }).newleaf ?? {};
  }

  /** Waits until all of these tell it, looking again at each report. */
  async until(names: readonly string[], isSo: (told: Newleaf) => boolean, timeoutMs: number): Promise<void> {
    const { log } = this.far;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const since = log.entries.length;
      const others = names.filter((name) => !isSo(this.twin(name)));
      if (others.length === 0) return;
      await log.waitFor({ event: 'reported' }, Math.max(1, deadline - performance.now()), since).catch(() => {
        const told = others.slice(0, 5).map((name) => `${name} ${JSON.stringify(this.twin(name))}`);
        throw new Error(`${others.length} never were so, ${isSo}:\n${told.join('\n')}\n${this.fleet.noise}`);
      });
    }
  }
}
