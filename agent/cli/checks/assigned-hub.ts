import type { Site } from './site.ts';

/**
 * The hub that DPS assigned, from the state file, or from the daemon where this user may not read that.
 * @throws what is wrong with the state file
 */
export async function assignedHub(site: Site): Promise<string | undefined> {
  try {
    const entry = await site.entry();
    return entry === 'absent' ? undefined : entry.assignment?.hub;
  } catch (error) {
    const status = await site.status().catch(() => {
      throw error;
    });
    return status.hub?.host;
  }
}
