import { transientCode } from './code.ts';

/**
 * The way to the far side: proxies, and what answers in place of a server. All of them are outages: nothing was said about the
 * identity, so they cost neither a leaf nor a registration, even where a person must help.
 */
export const NETWORK = {
  'NL-NETWORK-PROXY': transientCode(
    'The proxy cannot be reached.',
    'Check network.proxy, and the network, with `newleaf check`.',
    'Check network.proxy; if it is right, ask the operator of the proxy.',
  ),
  'NL-NETWORK-PROXY-AUTH': transientCode(
    'The proxy wants a user name and a password, or does not accept those that it got (407).',
    'Check network.proxy_username and network.proxy_password_file: they are read again at each attempt.',
  ),
  'NL-NETWORK-PROXY-REFUSED': transientCode(
    'The proxy does not let newleaf through to this host and port.',
    'Operator of the proxy: allow CONNECT to the host and port in the message.',
  ),
  'NL-NETWORK-PORTAL': transientCode(
    'A web page answers in place of the server: a captive portal, or a proxy that shows one.',
    'Operator of the network: let this gateway through without a login page.',
  ),
  'NL-NETWORK-WEBSOCKET': transientCode(
    'The server, or a proxy in between, does not agree to WebSockets.',
    'If it lasts, a proxy may not know them: ask its operator, or set network.transport = "mqtt" where port 8883 is open.',
  ),
  'NL-NETWORK-IDLE': transientCode(
    'A proxy, a firewall or a NAT on the way to the hub ends connections that are idle.',
    'Operator of the network: let connections to the hub be idle for 5 minutes. Until then newleaf pings more often by itself, every 5 s at most.',
  ),
} as const;
