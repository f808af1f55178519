import assert from 'node:assert/strict';
import { after } from 'node:test';
import { thumbprintOf } from '../../simulator/ca.ts';
import { Office } from './office.ts';
import type { Told } from './paper.ts';
import { PlayedFleet } from './played-fleet.ts';

/** An office for all tests of a file. @param isGroup whether DPS admits each leaf of the issuing CA, by the group "gateways" */
export async function staged(isGroup = false): Promise<Office> {
  const office = await Office.open();
  after(() => office.close());
  const { simulator } = office;
  if (isGroup) await simulator.enrollGroup({ groupId: 'gateways', primary: simulator.endpoints.issuerPem });
  return office;
}

/** An office with devices in its hub, of which some are connected. */
export async function stagedFleet(ids: readonly string[], connected: readonly string[] = ids) {
  const office = await staged();
  const fleet = await PlayedFleet.open(office.simulator, ids);
  after(() => fleet.close());
  await fleet.connect(connected);
  return { office, fleet };
}

/** The ID that the tool gave a request in the words that it has printed. */
export const idIn = (text: string): string => /enroll-(?:register|roll)-[a-z0-9]+-[a-z0-9]+/.exec(text)?.[0] ?? 'none';

/** What a command that must succeed has printed. */
export async function done(told: Promise<Told>): Promise<string> {
  const { code, out, err } = await told;
  assert.equal(code, 0, err);
  return out;
}

/** Thumbprints of primary and secondary of an enrollment. */
export function pairIn(office: Office, id: string): (string | undefined)[] {
  const { primary, secondary } = office.simulator.enrollments.get(id);
  return [primary, secondary].map((one) => one && thumbprintOf(one));
}

/** DPS has no enrollments any more. */
export function clear({ simulator: { enrollments } }: Office): void {
  for (const id of [...enrollments.individuals.keys(), ...enrollments.groups.keys()]) enrollments.remove(id);
}
