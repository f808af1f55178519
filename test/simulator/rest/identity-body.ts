import * as v from 'valibot';
import type { Identity, Thumbprints, Twin } from '../registry.ts';

/** What a PUT of a device may hold, as far as it is acted on here. */
export const DeviceBody = v.looseObject({
  deviceId: v.string(),
  etag: v.nullish(v.string()),
  status: v.nullish(v.picklist(['enabled', 'disabled'])),
  authentication: v.nullish(
    v.looseObject({
      type: v.nullish(v.string()),
      symmetricKey: v.nullish(v.looseObject({ primaryKey: v.nullish(v.string()) })),
      x509Thumbprint: v.nullish(
        v.looseObject({ primaryThumbprint: v.nullish(v.string()), secondaryThumbprint: v.nullish(v.string()) }),
      ),
    }),
  ),
});

/** Empty for authentication by CA: the device side here knows thumbprints and one key only. */
export function thumbprintsOf({ authentication }: v.InferOutput<typeof DeviceBody>): Thumbprints {
  const { primaryThumbprint, secondaryThumbprint } = authentication?.x509Thumbprint ?? {};
  const key = authentication?.symmetricKey?.primaryKey;
  const [primary, secondary] = [primaryThumbprint, secondaryThumbprint].map((one) => (one ?? '').toUpperCase());
  return { primary: primary ?? '', secondary: secondary ?? '', ...(key && { key }) };
}

/** Times that nobody here keeps; IoT Hub writes them like this before the first event. */
const NEVER = '0001-01-01T00:00:00';

const authenticationOf = ({ thumbprints: { primary, secondary, key } }: Identity): object => ({
  symmetricKey: { primaryKey: key ?? null, secondaryKey: key ?? null },
  x509Thumbprint: { primaryThumbprint: primary || null, secondaryThumbprint: secondary || null },
  type: primary || secondary ? 'selfSigned' : 'sas',
});

/** A device as GET /devices/{id} gives it. */
export function deviceBody(identity: Identity, connected: boolean): object {
  const { deviceId, generationId, etag, status } = identity;
  return {
    deviceId,
    generationId,
    etag,
    connectionState: connected ? 'Connected' : 'Disconnected',
    status,
    statusReason: null,
    connectionStateUpdatedTime: NEVER,
    statusUpdatedTime: NEVER,
    lastActivityTime: NEVER,
    cloudToDeviceMessageCount: 0,
    authentication: authenticationOf(identity),
    capabilities: { iotEdge: false },
  };
}

/** A twin as GET /twins/{id} and `SELECT * FROM devices` give it. */
export function twinBody(identity: Identity, twin: Twin, connected: boolean): object {
  const { deviceId, etag: deviceEtag, status, thumbprints } = identity;
  const { primary, secondary } = thumbprints;
  const { tags, etag, desired, desiredVersion, reported, reportedVersion } = twin;
  return {
    deviceId,
    etag,
    deviceEtag,
    status,
    statusUpdateTime: NEVER,
    connectionState: connected ? 'Connected' : 'Disconnected',
    lastActivityTime: NEVER,
    cloudToDeviceMessageCount: 0,
    authenticationType: primary || secondary ? 'selfSigned' : 'sas',
    x509Thumbprint: { primaryThumbprint: primary || null, secondaryThumbprint: secondary || null },
    version: desiredVersion,
    tags,
    properties: {
      desired: { ...desired, $version: desiredVersion },
      reported: { ...reported, $version: reportedVersion },
    },
    capabilities: { iotEdge: false },
  };
}
