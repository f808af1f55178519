import { X509Certificate } from 'node:crypto';
import { dirname, join } from 'node:path';
import { onMissing } from '../../failure/errno.ts';
import { readRegular } from '../../state/durable.ts';
import { listing } from './listing.ts';
import type { Part } from './part.ts';
import { type Settings, settingsInWords, textOf } from './settings.ts';

const directoryOf = (settings: Settings): string => textOf(settings, 'state.directory') ?? '';

/** The certificates are in files of their own. */
function withoutChains(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutChains);
  const fields = Object.entries(value).filter(([name]) => name !== 'chain');
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutChains(field)]));
}

const certificates = (name: string, about: string, setting?: string): Part => ({
  name,
  about,
  isPublic: true,
  async make({ settings }) {
    const path = setting === undefined ? join(directoryOf(settings), name) : textOf(settings, setting);
    const text = path && (await readRegular(path).catch(onMissing(undefined)));
    // Written anew from the certificates: text between, before or after them is left out.
    const blocks = text?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    return text === undefined ? undefined : blocks.map((pem) => new X509Certificate(pem).toString()).join('');
  },
});

export const STATE_PARTS: readonly Part[] = [
  {
    name: 'configuration.txt',
    about: 'the settings in effect, without private ones',
    make: async ({ settings }) => settingsInWords(settings),
  },
  {
    name: 'state.json',
    about: 'what newleaf knows: leaves, assignment, phase, requests, trail',
    async make({ settings }) {
      const text = await readRegular(join(directoryOf(settings), 'state.json'));
      try {
        return withoutChains(JSON.parse(text)) as object;
      } catch (error) {
        return `It is no JSON: ${error}\n\n${text}`;
      }
    },
  },
  certificates('leaf.pem', 'the current leaf'),
  certificates('chain.pem', 'the current leaf and its intermediates'),
  certificates('onboarding.pem', 'the certificate that DPS knows', 'onboarding.certificate'),
  certificates('next.pem', 'the candidate that waits for its enrollment'),
  {
    name: 'files.txt',
    about: 'names, owners and modes of the files of newleaf',
    async make({ settings }) {
      const socket = textOf(settings, 'control.socket') ?? '';
      const sockets = textOf(settings, 'uplink.sockets') ?? '';
      const places = [dirname(settings.file), directoryOf(settings), dirname(socket), sockets];
      const lists = [...new Set(places)].map(async (place) => [`${place}:`, ...(await listing(place)), ''].join('\n'));
      return (await Promise.all(lists)).join('\n');
    },
  },
];
