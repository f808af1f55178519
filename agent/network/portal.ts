import type { IncomingHttpHeaders } from 'node:http';
import { Fault } from '../failure/failure.ts';
import { quoted } from './quoted.ts';

/**
 * An answer of HTTP that only a web page gives: it leads elsewhere, or is written for a person. Undefined for others.
 * @param who the beginning of the sentence
 * @param sent as for `quoted`
 */
export function portal(status: number, headers: IncomingHttpHeaders, who: string, sent?: string): Fault | undefined {
  const isElsewhere = status >= 300 && status < 400;
  const isPage = status >= 200 && status < 300 && /^text\/html/i.test(headers['content-type'] ?? '');
  if (!isElsewhere && !isPage) return undefined;
  const message = `${who} answers with a web page (HTTP ${status}): that is a captive portal, or a proxy that shows a login.`;
  const { location } = headers;
  return new Fault('NL-NETWORK-PORTAL', { message, cause: location && quoted(location, sent) });
}
