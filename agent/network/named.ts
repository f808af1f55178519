import { isIPv6 } from 'node:net';

/** Host names ignore case and the dot of the root (RFC 4343, RFC 1034 section 3.1); an IPv6 address has many spellings. */
function hostOf(name: string): string {
  const literal = name.replace(/^\[(.*)\](:\d+)?$/, '$1');
  // URL knows no zones.
  if (isIPv6(literal)) return literal.includes('%') ? literal : new URL(`tcp://[${literal}]`).hostname;
  return name.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase();
}

/**
 * Whether a list names this host: by its name, or by an end of it that begins with a dot.
 * @param place `host` or `host:port`
 */
export function isNamed(place: string, names: readonly string[]): boolean {
  const host = hostOf(place);
  return names.map(hostOf).some((one) => (one.startsWith('.') ? host.endsWith(one) : host === one));
}
