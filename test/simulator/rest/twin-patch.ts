import * as v from 'valibot';
import type { Registry } from '../registry.ts';

/** A change of a twin by the service side. Null in place of tags or of desired properties clears them all. */
export const TwinPatch = v.looseObject({
  tags: v.nullish(v.looseObject({})),
  properties: v.nullish(v.looseObject({ desired: v.nullish(v.looseObject({})) })),
});
export type TwinPatch = v.InferOutput<typeof TwinPatch>;

export function patchTwin(registry: Registry, deviceId: string, { tags, properties }: TwinPatch): void {
  if (tags !== undefined) registry.patchTags(deviceId, tags);
  if (properties?.desired !== undefined) registry.patchDesired(deviceId, properties.desired);
}
