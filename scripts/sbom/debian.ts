import { Enums, Models } from '@cyclonedx/cyclonedx-library';

const fieldOf = (stanza: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';

/** The packages of Debian in a list of dpkg; their licences are in their own files `copyright`. */
export function debianIn(status: string): readonly Models.Component[] {
  return status
    .split(/\n\n+/)
    .filter((stanza) => fieldOf(stanza, 'Status') === 'install ok installed')
    .map((stanza) => {
      const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map((one) => fieldOf(stanza, one));
      const purl = `pkg:deb/debian/${encodeURIComponent(name ?? '')}@${encodeURIComponent(version ?? '')}?arch=${architecture}`;
      return new Models.Component(Enums.ComponentType.Library, name ?? '', {
        version: version ?? '',
        purl,
        bomRef: purl,
      });
    });
}
