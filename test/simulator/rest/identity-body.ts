import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Identity, Thumbprints, Twin } from '../registry.ts';
import { RestRefusal } from './route.ts';

/** What a PUT of a device may hold, as far as it is acted on here. */
export const DeviceBody = v.looseObject({
  deviceId: v.string(),
  etag: v.nullish(v.string()),
  status: v.nullish(v.picklist(['enabled', 'disabled'])),
  authentication: v.nullish(
    v.looseObject({
      type: v.nullish(v.string()),
      symmetricKey: v.nullish(
        v.looseObject({ primaryKey: v.nullish(v.string()), secondaryKey: v.nullish(v.string()) }),
      ),
      x509Thumbprint: v.nullish(
        v.looseObject({ primaryThumbprint: v.nullish(v.string()), secondaryThumbprint: v.nullish(v.string()) }),
      ),
    }),
  ),
});

/** SHA-1 or SHA-256, in hex. */
const THUMBPRINT = /^([0-9A-F]{40}|[0-9A-F]{64})?$/;
const newKey = (): string => randomBytes(32).toString('base64');

/**
 * What the hub keeps of it: thumbprints, that a CA decides, or two keys, which the hub makes where none were sent.
 * @throws RestRefusal 400 for a thumbprint that is none
 */
export function thumbprintsOf({ authentication }: v.InferOutput<typeof DeviceBody>): Thumbprints {
  const { type, x509Thumbprint, symmetricKey } = authentication ?? {};
  const [primary = '', secondary = ''] = [x509Thumbprint?.primaryThumbprint, x509Thumbprint?.secondaryThumbprint].map(
    (one) => one?.toUpperCase(),
  );
  if (!THUMBPRINT.test(primary) || !THUMBPRINT.test(secondary)) {
    throw new RestRefusal(400004, 'ArgumentInvalid', 'A thumbprint has 40 or 64 hex digits.');
  }
  if (type === 'certificateAuthority') return { primary: '', secondary: '', byCa: true };
  if (primary || secondary || type === 'selfSigned') return { primary, secondary };
  const { primaryKey, secondaryKey } = symmetricKey ?? {};
  return { primary, secondary, key: primaryKey || newKey(), secondaryKey: secondaryKey || newKey() };
}

/** Times that nobody here keeps; IoT Hub writes them like this before the first event. */
const NEVER = '0001-01-01T00:00:00';

function authenticationOf({ thumbprints }: Identity): object {
  const { primary, secondary, key = null, secondaryKey = key } = thumbprints;
  return {
    symmetricKey: { primaryKey: key, secondaryKey },
    x509Thumbprint: { primaryThumbprint: primary || null, secondaryThumbprint: secondary || null },
    type: typeOf(thumbprints),
  };
}

function typeOf({ primary, secondary, byCa }: Thumbprints): string {
  if (byCa) return 'certificateAuthority';
  return primary || secondary ? 'selfSigned' : 'sas';
}

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
    authenticationType: typeOf(thumbprints),
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
