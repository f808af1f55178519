import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Engine } from './engine.ts';
import { blockOf, lineOf, type } from './page.ts';
import { type Site, site } from './site.ts';

export const INIT = lineOf(blockOf('Run', 'sh', 'newleaf init'), 'docker run');

/** A gateway that was set up by the page's line: its state is in the volume `newleaf`. */
export async function setUp(t: TestContext, engine: Engine): Promise<Site> {
  const made = await site(t);
  const { code, out, err } = await type(engine, made.volumes, INIT, ...made.flags);
  t.after(() => engine.drop('newleaf'));
  assert.equal(code, 0, out + err);
  return made;
}

/** The container is up: the hub has its session, it answers, and its probe is content. */
export async function serves(engine: Engine, { far }: Site, container: string, since: number): Promise<void> {
  await far.log.waitFor({ event: 'connected' }, 120_000, since);
  const status = await engine.call('exec', container, 'newleaf', 'status');
  assert.equal(status.code, 0, status.out + status.err);
  await engine.healthy(container);
}
