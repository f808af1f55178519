import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';

/** Three SYNs of Linux: after 1 s and 3 s it sends another one (RFC 6298). A connect has 30 s in all. */
const ATTEMPT_MS = 10_000;

/**
 * Gives each address of a name time to answer, for every connection. Node tries them one after the other, and gives up all but
 * the last after 250 ms (node:net, `autoSelectFamilyAttemptTimeout`): over 2G, NB-IoT or a satellite no SYN is answered so
 * soon, and behind NAT64 the last one is an IPv4 address that leads nowhere (RFC 6147: DNS64 adds an IPv6 address to it).
 */
export const dialPatiently = (): void => setDefaultAutoSelectFamilyAttemptTimeout(ATTEMPT_MS);
