import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocket } from 'ws';

/** What became of the request for WebSockets. */
interface Upgrade {
  readonly agreed: () => void;
  /** Gets the answer of HTTP that came in place of 101. */
  readonly refused: (answer: IncomingMessage) => void;
}

/**
 * MQTT in WebSockets, for DPS and hubs alike: path and subprotocol are those of Microsoft's own clients (azure-iot-device-mqtt
 * 1.16.4 and azure-iot-provisioning-device-mqtt 1.8.1, mqtt_ws.js). It is bundled by itself, with the package ws.
 */
export function inWebSocket(tls: Duplex, host: string, { agreed, refused }: Upgrade): Duplex {
  const socket = new WebSocket(`wss://${host}/$iothub/websocket`, 'mqtt', {
    // ws 8.23.0 would make its own connection, without the key in the token.
    createConnection: () => tls,
    perMessageDeflate: false,
  });
  const stream = createWebSocketStream(socket);
  socket.once('upgrade', agreed);
  socket.once('unexpected-response', (_, answer) => {
    refused(answer);
    stream.destroy();
  });
  // By then it has handed on all that came, and the stream of ws 8.23.0 does not end by itself.
  socket.once('close', () => stream.destroy());
  return stream;
}
