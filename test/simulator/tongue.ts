import type { Duplex } from 'node:stream';

/**
 * What the client begins to speak: every method of HTTP begins with a capital letter, and CONNECT of MQTT with 0x10.
 * Real DPS has two ports for the two; a test has one, since `dps.endpoint` names one. The client that says nothing is
 * waited for.
 */
export function onFirstWord(socket: Duplex, http: () => void, mqtt: () => void): void {
  socket.once('data', (first: Buffer) => {
    socket.pause();
    const byte = first[0] ?? 0;
    if (byte >= 0x41 && byte <= 0x5a) http();
    else mqtt();
    socket.unshift(first);
    socket.resume();
  });
}
