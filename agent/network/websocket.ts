import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocket } from 'ws';
import { LARGEST_PACKET } from '../mqtt/way.ts';

/** What became of the request for WebSockets. */
interface Upgrade {
  readonly agreed: () => void;
  /** Gets the answer of HTTP that came in place of 101. */
  readonly refused: (answer: IncomingMessage) => void;
  /** Gets what the other side did that is not WebSockets, before it agreed or after. */
  readonly broken: (words: string) => void;
}

/**
 * MQTT in WebSockets, for DPS and hubs alike: path and subprotocol are those of Microsoft's own clients (azure-iot-device-mqtt
 * 1.16.4 and azure-iot-provisioning-device-mqtt 1.8.1, mqtt_ws.js). It is bundled by itself, with the package ws.
 */
export function inWebSocket(tls: Duplex, host: string, { agreed, refused, broken }: Upgrade): Duplex {
  const socket = new WebSocket(`wss://${host}/$iothub/websocket`, 'mqtt', {
    // ws 8.23.0 would make its own connection, without the key in the token.
    createConnection: () => tls,
    perMessageDeflate: false,
    maxPayload: LARGEST_PACKET,
  });
  const stream = createWebSocketStream(socket);
  // Its event "upgrade" comes before ws 8.23.0 looks at the answer.
  socket.once('open', agreed);
  socket.once('unexpected-response', (_, answer) => {
    refused(answer);
    stream.destroy();
  });
  socket.once('error', (error: NodeJS.ErrnoException) => {
    if (isOfWebSockets(error)) broken(error.message);
    // ws 8.23.0 gives the other side 30 s to agree to the end.
    socket.terminate();
  });
  // By then it has handed on all that came, and the stream of ws 8.23.0 does not end by itself.
  socket.once('close', () => stream.destroy());
  return stream;
}

/** ws 8.23.0 hands on errors of TLS and of the token, too. Its own about the answer have no code. */
function isOfWebSockets({ name, code }: NodeJS.ErrnoException): boolean {
  return code === undefined ? name === 'Error' : /^(WS_ERR|HPE)_/.test(code);
}
