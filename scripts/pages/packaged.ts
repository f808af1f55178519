import { posix } from 'node:path';

/** Pages for the user of a gateway, and their names in a package, where all lie in one directory. */
export const PACKAGED: Readonly<Record<string, string>> = {
  'README.md': 'README.md',
  'CHANGELOG.md': 'CHANGELOG.md',
  'systemd/README.md': 'systemd.md',
  'systemd/container.md': 'container.md',
  'agent/cli/README.md': 'screens.md',
  'agent/cli/init/README.md': 'set-up.md',
  'agent/failure/README.md': 'codes.md',
  'agent/config/README.md': 'settings.md',
  'agent/roll/README.md': 'roll.md',
  'agent/uplink/README.md': 'programs.md',
  'hsm/README.md': 'modules.md',
  'hsm/tpm/README.md': 'tpm.md',
  'scripts/enrollment/README.md': 'operator.md',
};

const LINK = /(!?)\[([^\]]*)\]\(([^()\s]+)\)/g;

/** Links to other files, each as it is written and as a path from the root of the repository. */
export function linksIn(page: string, text: string): readonly { readonly written: string; readonly path: string }[] {
  return [...text.matchAll(LINK)]
    .map(([, , , written = '']) => written)
    .filter((written) => !/^([a-z]+:|#)/.test(written))
    .map((written) => ({ written, path: pathOf(page, written) }));
}

const pathOf = (page: string, link: string): string =>
  posix.join(posix.dirname(page), link.replace(/#.*/, '')).replace(/\/$/, '');

/**
 * A page for a package, where it is read with `less`: links lead to the other pages there, other links become the name of
 * their target, and the markers of generated blocks are left out.
 */
export function packaged(page: string, text: string): string {
  return text
    .replaceAll(/^<!-- .* -->\n/gm, '')
    .replaceAll('<br>', '\n  ')
    .replaceAll(LINK, (link, image: string, shown: string, written: string) => {
      if (/^([a-z]+:|#)/.test(written)) return link;
      const path = pathOf(page, written);
      const there = PACKAGED[path];
      if (there === undefined) return `${shown} (${path} in the source)`;
      return `${image}[${shown}](${there}${/#.*/.exec(written)?.[0] ?? ''})`;
    });
}
