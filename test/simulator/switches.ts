import { ADR_SWITCHES, type AdrSwitches } from './adr/switches.ts';

/**
 * What is not known for certain of the real services. Each open question is a switch, with the likeliest answer as its
 * default; the README says where each comes from.
 */
export interface Switches extends AdrSwitches {
  /** How DPS refuses a leaf: in the first answer, or by a 202 whose operation ends "failed". */
  refusalShape: 'res-401' | 'failed';
  /** How DPS refuses a disabled enrollment: "disabled" in the answer to the request itself, 401, or a failed operation. */
  disabledShape: 'disabled' | 'res-401' | 'failed';
  /** Whether an individual enrollment decides for every leaf of its registration ID, or only for those it holds. */
  individualDecidesFor: 'registration-id' | 'held-leaf';
  /**
   * What a PUT over REST does where it sends only `info` for a certificate, as a read gave it: the certificate is kept
   * if it was in the same place (primary or secondary), in either place, or the request is refused.
   */
  infoAlone: 'keeps-its-place' | 'may-move' | 'refused';
  /** What DPS does with a leaf that has expired. */
  expiredLeafAtDps: 'res-401' | 'close';
  /** What DPS does when an intermediate or root of the chain has expired. */
  expiredIssuerAtDps: 'refuse' | 'accept';
  /**
   * Whether DPS finds the enrolled intermediate that signed the last certificate presented, when it was not sent itself.
   * An enrolled root need not be sent: the "x509 group enrollment without cert chain" of Microsoft's own end-to-end tests
   * (azure-iot-sdk-node, provisioning/e2e) sends the leaf alone.
   */
  enrolledIssuerMayBeLeftOut: boolean;
  /** Whether the chain of a member of a group must reach a certificate that was verified in DPS, as documented. */
  chainMustReachVerifiedCa: boolean;
  /** Whether the policy "never re-provision" still writes the new thumbprint to the hub. */
  neverPolicyRefreshesThumbprint: boolean;
  /** Whether a registration enables an identity that was disabled in the hub. */
  registrationEnablesDevice: boolean;
  /** What a second connection with the same registration ID does to the first one. */
  secondDpsConnect: 'drop-old' | 'keep-both';
  /** Text of `retry-after` in the 202 of DPS, in seconds; '' leaves it out. Real DPS was seen to send 3. */
  retryAfter: string;
  /** DPS answers the registration request with 200 at once, without an operation to poll. */
  answerAtOnce: boolean;
  /** CONNACK code for an identity that is disabled in the hub. */
  disabledConnack: 5 | 3;
  /** Whether the hub ends a session when its leaf expires. */
  sessionsEndAtNotAfter: boolean;
  /** What a hub does with a SUBSCRIBE beyond five topics: "A device can only subscribe to five topics at a time". */
  sixthSubscription: 'close' | 'refuse';
  /**
   * Whether a hub closes the connection where PUBACKs come in another order than the messages went out
   * (azure-iot-protocol-gateway#85, azure-iot-sdk-csharp#674).
   */
  acksInOrder: boolean;
  /**
   * The status for reported properties beyond 32 KB: 403 (error 403100, iotedge#7035 and #1560, over AMQP), 400 ("otherwise",
   * azure-iot-sdk-c#1351), or the 413 of HTTP.
   */
  oversizedReported: 403 | 400 | 413;
  /**
   * When the front end asks for the client certificate of a WebSocket: in the handshake, or after the request, by renegotiation
   * of TLS 1.2 (amenzhinsky/iothub#18, azure-iot-sdk-c#2057). Then the ports of DPS and hubs know no client over plain MQTT.
   */
  webSocketCertificate: 'handshake' | 'renegotiation';
  /** Whether EST answers with the intermediates, too; RFC 7030 section 4.2.3: "containing only the certificate that was issued". */
  estSendsChain: boolean;
}

export const DEFAULT_SWITCHES: Readonly<Switches> = {
  refusalShape: 'res-401',
  disabledShape: 'disabled',
  individualDecidesFor: 'registration-id',
  infoAlone: 'keeps-its-place',
  expiredLeafAtDps: 'res-401',
  expiredIssuerAtDps: 'refuse',
  enrolledIssuerMayBeLeftOut: true,
  chainMustReachVerifiedCa: true,
  neverPolicyRefreshesThumbprint: true,
  registrationEnablesDevice: false,
  secondDpsConnect: 'drop-old',
  retryAfter: '0',
  answerAtOnce: false,
  disabledConnack: 5,
  sessionsEndAtNotAfter: false,
  sixthSubscription: 'close',
  acksInOrder: true,
  oversizedReported: 403,
  webSocketCertificate: 'handshake',
  estSendsChain: false,
  ...ADR_SWITCHES,
};
